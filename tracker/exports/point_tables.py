"""Points of runs as one long table: every point of every attempt, as it was logged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from django.db import transaction
from django.db.models.functions import Coalesce

from tracker.exports.formats import Column, Holds, Table
from tracker.metrics.points import value_of
from tracker.models import MetricChunk, MetricPoint, MetricSeries

RUNS_AT_ONCE = 500
# Read together, under one lock: many small series cost few queries, and a large one little memory.
SERIES_AT_ONCE, POINTS_AT_ONCE = 500, 200_000
ROWS = 50_000  # of a batch
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COLUMNS = [
    Column("run_id", Holds.TEXT),
    Column("run_name", Holds.TEXT),
    Column("name", Holds.TEXT),
    Column("attempt", Holds.WHOLE),
    Column("step", Holds.WHOLE),
    Column("time", Holds.MOMENT),
    Column("value", Holds.NUMBER),
]
Batch = list[list[object]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Points of one series and attempt."""

    series: MetricSeries
    attempt: int
    step: list[int]
    time_us: list[int]
    value: list[float]


def points_of(run_ids: Sequence[str], names: Sequence[str] = ()) -> Table:
    """Of these metrics, or of all where none is named. Runs come in this order and their metrics
    by name; the points of a metric in no promised order."""
    return Table(COLUMNS, _batches(run_ids, names))


def _batches(run_ids: Sequence[str], names: Sequence[str]) -> Iterator[Batch]:
    for group in _groups(run_ids, names):
        batch: Batch = [[] for _ in COLUMNS]
        for piece in _read(group):
            for first in range(0, len(piece.step), ROWS):
                _add(batch, piece, slice(first, first + ROWS))
                if len(batch[0]) >= ROWS:
                    yield batch
                    batch = [[] for _ in COLUMNS]
        if batch[0]:
            yield batch


def _add(batch: Batch, piece: _Piece, rows: slice) -> None:
    run = piece.series.run
    count = len(piece.step[rows])
    for column, cells in zip(
        batch,
        (
            [run.pk] * count,
            [run.name or None] * count,
            [piece.series.name] * count,
            [piece.attempt] * count,
            piece.step[rows],
            map(_moment, piece.time_us[rows]),
            piece.value[rows],
        ),
        strict=True,
    ):
        column.extend(cells)


def _moment(epoch_us: int) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=epoch_us)
    except OverflowError:
        return None


# --- reading
def _groups(run_ids: Sequence[str], names: Sequence[str]) -> Iterator[list[MetricSeries]]:
    """Series in the order of the runs, as many together as are read at once."""
    group: list[MetricSeries] = []
    points = 0
    for first in range(0, len(run_ids), RUNS_AT_ONCE):
        some = run_ids[first : first + RUNS_AT_ONCE]
        place = {run_id: number for number, run_id in enumerate(some)}
        found = MetricSeries.objects.filter(run__in=some).select_related("run")
        found = found.filter(name__in=names) if names else found
        for series in sorted(found, key=lambda one: (place[one.run_id], one.name)):
            if group and (len(group) >= SERIES_AT_ONCE or points + series.count > POINTS_AT_ONCE):
                yield group
                group, points = [], 0
            group.append(series)
            points += series.count
    if group:
        yield group


def _read(group: list[MetricSeries]) -> Iterator[_Piece]:
    """Rows and chunks as they were at one moment: what is sealed meanwhile is in one of them."""
    by_id = {series.pk: series for series in group}
    ids = list(by_id)
    with transaction.atomic():
        # In the order in which appends lock them, run by run, so that neither waits for the other.
        list(
            MetricSeries.objects.select_for_update()
            .filter(pk__in=ids)
            .order_by("run_id", "name")
            .values_list("pk")
        )
        packed, rows = _chunks(ids, by_id), _rows(ids, by_id)
    for series in group:
        yield from packed.pop(series.pk, ())
        yield from rows.pop(series.pk, ())


def _chunks(ids: list[int], series: dict[int, MetricSeries]) -> dict[int, Iterator[_Piece]]:
    """Of each series; unpacked one by one as they are asked for."""
    from tracker.metrics.chunk_columns import unpack

    def unpacked(one: MetricSeries, of_series: list[tuple[int, bytes]]) -> Iterator[_Piece]:
        for attempt, packed in of_series:
            columns = unpack(packed)
            value = columns.value_bits.view("f8").tolist()
            yield _Piece(one, attempt, columns.step.tolist(), columns.time_us.tolist(), value)

    chunks = MetricChunk.objects.filter(series__in=ids).order_by("first_step", "id")
    found: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
    for pk, attempt, packed in chunks.values_list("series", "attempt", "columns"):
        found[pk].append((attempt, packed))
    return {pk: unpacked(series[pk], of_series) for pk, of_series in found.items()}


def _rows(ids: list[int], series: dict[int, MetricSeries]) -> dict[int, list[_Piece]]:
    points = MetricPoint.objects.filter(series__in=ids).order_by("series", "attempt", "step", "id")
    time_us = Coalesce("client_us", "received_us")
    rows = points.values_list("series", "attempt", "step", time_us, "value_bits")
    found: dict[int, list[_Piece]] = defaultdict(list)
    for (pk, attempt), some in groupby(rows, key=itemgetter(0, 1)):
        _, _, step, times_us, bits = map(list, zip(*some, strict=True))
        value = list(map(value_of, bits))
        found[pk].append(_Piece(series[pk], attempt, step, times_us, value))
    return found
