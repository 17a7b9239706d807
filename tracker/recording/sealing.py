"""Rows of metric points become chunks, and small chunks larger ones; no reader sees a difference.

Rows at a series' last step stay rows: who logs without steps would else unpack a chunk each time.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from operator import itemgetter

from django.db import transaction
from django.db.models import Q, QuerySet

from tracker.metrics.chunk_columns import pack, unpack
from tracker.models import MetricChunk, MetricPoint, MetricSeries
from tracker.models.metrics import LOOSE_WORTH_SEALING
from tracker.recording.points import STRETCH_MAX

SMALL = STRETCH_MAX // 2  # chunks with fewer points are joined with what came after
ROWS_AT_ONCE = 8_000  # in one transaction: SQLite lets nobody else write meanwhile
SERIES_AT_MOST = 1_000  # the next call goes on: a worker is not held for long
QUIET = timedelta(hours=1)
_ROW = ("pk", "attempt", "step", "value_bits", "client_us", "received_us")
Row = tuple[int, int, int, int, int | None, int]
Packed = tuple[int, int, int, bool]  # as ``pack`` takes them: step, bits, time, whether a client's


def seal_points(now: datetime, *, quiet_for: timedelta = QUIET) -> int:
    """Seal series with a chunk's worth of loose points, or with some and no new one for so long;
    how many points were packed. Safe to run twice, and beside appends."""
    due = Q(loose__gte=STRETCH_MAX) | Q(updated_at__lte=now - quiet_for)
    series = MetricSeries.objects.filter(due, loose__gte=LOOSE_WORTH_SEALING).order_by("-loose")
    return sum(map(_seal, series.values_list("pk", flat=True)[:SERIES_AT_MOST]))


def _seal(pk: int) -> int:
    packed = 0
    while True:
        count, is_all = _seal_some(pk)
        packed += count
        if is_all:
            return packed


@transaction.atomic
def _seal_some(pk: int) -> tuple[int, bool]:
    """How many points were packed, and whether no settled row is left."""
    series = MetricSeries.objects.select_for_update().filter(pk=pk).first()
    if series is None:
        return 0, True  # purged meanwhile
    small = list(series.chunks.filter(count__lt=SMALL).order_by("id"))
    settled = _settled(series)
    rows = list(settled.order_by("id").values_list(*_ROW)[:ROWS_AT_ONCE])
    by_attempt = _by_attempt(small, rows)
    MetricChunk.objects.bulk_create(
        chunk
        for attempt in sorted(by_attempt)
        for chunk in _chunks(pk, attempt, by_attempt[attempt])
    )
    MetricChunk.objects.filter(pk__in=[chunk.pk for chunk in small]).delete()
    if rows:
        settled.filter(pk__lte=rows[-1][0]).delete()
    is_all = len(rows) < ROWS_AT_ONCE
    if is_all:
        MetricSeries.objects.filter(pk=pk).update(loose=0)
    return sum(map(len, by_attempt.values())), is_all


def _settled(series: MetricSeries) -> QuerySet[MetricPoint]:
    return series.points.exclude(attempt=series.last_attempt, step=series.last_step)


def _by_attempt(small: list[MetricChunk], rows: list[Row]) -> dict[int, list[Packed]]:
    """In the order they came, which a stable sort by step keeps."""
    points: dict[int, list[Packed]] = defaultdict(list)
    for chunk in small:
        columns = unpack(chunk.columns)
        arrays = (columns.step, columns.value_bits, columns.time_us, columns.by_client)
        points[chunk.attempt] += zip(*(a.tolist() for a in arrays), strict=True)
    for _, attempt, step, bits, client_us, received_us in rows:
        by_client = client_us is not None
        points[attempt].append((step, bits, client_us if by_client else received_us, by_client))
    return points


def _chunks(series_id: int, attempt: int, points: list[Packed]) -> list[MetricChunk]:
    """Of about equal size, none larger than a stretch may be."""
    points.sort(key=itemgetter(0))
    count = -(-len(points) // STRETCH_MAX)
    ends = [len(points) * number // count for number in range(count + 1)]
    return [_chunk(series_id, attempt, points[first:end]) for first, end in pairwise(ends)]


def _chunk(series_id: int, attempt: int, points: list[Packed]) -> MetricChunk:
    return MetricChunk(
        series_id=series_id,
        attempt=attempt,
        first_step=points[0][0],
        last_step=points[-1][0],
        count=len(points),
        columns=pack(*zip(*points, strict=True)),
    )
