"""Appending metric points: each stored once, and the summary of its series kept right.

A stretch of new points becomes a chunk at once, which costs one row; the rest become rows, and
``sealing`` makes chunks of them later. Whether a point is there already is looked up first, under
the lock of its series: nothing is looked up for steps beyond the series' last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import lt
from typing import NamedTuple

from django.db import connection, transaction

from tracker.metrics.chunk_columns import pack
from tracker.metrics.points import bits_of_all
from tracker.models import MetricChunk, MetricPoint, Run
from tracker.recording.next_point import append_next
from tracker.recording.stored_points import Key, stored_keys
from tracker.recording.summaries import Series, locked_series, make_series, save_series

STRETCH_MIN = 16  # from here on a chunk is written faster than rows
STRETCH_MAX = 4_000  # points of a chunk
COPY_MIN = 10  # rows: below, COPY costs PostgreSQL more than it saves
_POINT_COLUMNS = "series_id, attempt, step, value_bits, client_us, received_us"
_INSERT_POINT = f"""
INSERT INTO {MetricPoint._meta.db_table} ({_POINT_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s)
"""  # noqa: S608
_COPY_POINTS = f"COPY {MetricPoint._meta.db_table} ({_POINT_COLUMNS}) FROM STDIN"
_INSERT_CHUNK = f"""
INSERT INTO {MetricChunk._meta.db_table}
    (series_id, attempt, first_step, last_step, count, columns)
VALUES (%s, %s, %s, %s, %s, %s)
"""  # noqa: S608
PointRow = tuple[int, int, int, int, int | None, int]
ChunkRow = tuple[int, int, int, int, int, bytes]


class NewPoint(NamedTuple):
    """``client_us`` is the client's own time in epoch microseconds, None where it sent none;
    ``attempt`` None is the one given with the whole batch."""

    name: str
    step: int
    value: float
    client_us: int | None = None
    attempt: int | None = None


@dataclass(slots=True)
class _Batch:
    """Points of one series and attempt, each once, in the order they came."""

    series: Series
    attempt: int
    values: dict[Key, float]
    is_beyond: bool  # all its steps come after all that is stored


@dataclass(slots=True)
class _Rows:
    points: list[PointRow] = field(default_factory=list)
    chunks: list[ChunkRow] = field(default_factory=list)


def append_points(
    run: Run, points: Iterable[NewPoint], *, attempt: int | None = None, now: datetime
) -> int:
    """Store points, of ``attempt`` where they name none (None: the run's present one); the number
    newly stored.

    All or none are stored. A repeat is not stored twice and changes no summary.
    """
    points = list(points)
    attempt = run.attempt if attempt is None else attempt
    if len(points) == 1 and _append_next(run, points[0], attempt, now):
        return 1
    grouped: dict[str, dict[int, list[NewPoint]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        of = attempt if point.attempt is None else point.attempt
        grouped[point.name][of].append(point)
    names = sorted(grouped)
    while names:
        with transaction.atomic():
            found = locked_series(run, names)
            if len(found) == len(names):
                batches = [_batch(s, a, p) for s in found for a, p in grouped[s.name].items()]
                return _store(batches, now)
            # Made while these locks were held, new series could wait for one another's.
            transaction.set_rollback(True)
        make_series(run, set(names) - {series.name for series in found})
    return 0


def _append_next(run: Run, point: NewPoint, attempt: int, now: datetime) -> bool:
    of = attempt if point.attempt is None else point.attempt
    return append_next(run, point, attempt=of, now=now)


def _batch(series: Series, attempt: int, points: list[NewPoint]) -> _Batch:
    _, steps, values, times, _ = zip(*points, strict=True)
    keys = zip(steps, bits_of_all(values), times, strict=True)
    is_beyond = series.is_before(attempt, min(steps))
    return _Batch(series, attempt, dict(zip(keys, values, strict=True)), is_beyond)


def _store(batches: list[_Batch], now: datetime) -> int:
    _leave_out_repeats(batches)
    received_us = int(now.timestamp() * 1_000_000)
    rows = _Rows()
    for batch in batches:
        if batch.values:
            batch.series.take_in(batch.attempt, batch.values)
            _lay_out(batch, received_us, rows)
    _insert(rows)
    changed = {batch.series.id: batch.series for batch in batches if batch.values}
    save_series(list(changed.values()), now)
    return sum(len(batch.values) for batch in batches)


def _leave_out_repeats(batches: list[_Batch]) -> None:
    unsure = {(b.series.id, b.attempt): b.values for b in batches if not b.is_beyond}
    for origin, keys in stored_keys(unsure).items():
        for key in keys:
            unsure[origin].pop(key, None)


def _lay_out(batch: _Batch, received_us: int, rows: _Rows) -> None:
    """As chunks where the points are a stretch that goes on where the series ended, else as rows:
    chunks whose steps overlap make repeats slow to find."""
    series, attempt, keys = batch.series, batch.attempt, list(batch.values)
    steps = [step for step, _, _ in keys]
    if not batch.is_beyond or len(keys) < STRETCH_MIN or not all(map(lt, steps, steps[1:])):
        rows.points += [(series.id, attempt, *key, received_us) for key in keys]
        series.loose += len(keys)
        return
    for first in range(0, len(keys), STRETCH_MAX):
        stretch = keys[first : first + STRETCH_MAX]
        rows.chunks.append(_chunk(series, attempt, stretch, received_us))
    series.loose += len(keys) % STRETCH_MAX


def _chunk(series: Series, attempt: int, keys: Sequence[Key], received_us: int) -> ChunkRow:
    step, bits, client_us = zip(*keys, strict=True)
    time_us = [received_us if us is None else us for us in client_us]
    columns = pack(step, bits, time_us, [us is not None for us in client_us])
    return series.id, attempt, step[0], step[-1], len(keys), columns


def _insert(rows: _Rows) -> None:
    with connection.cursor() as cursor:
        if rows.chunks:
            cursor.executemany(_INSERT_CHUNK, rows.chunks)
        if connection.vendor == "postgresql" and len(rows.points) >= COPY_MIN:
            with cursor.copy(_COPY_POINTS) as copy:
                for row in rows.points:
                    copy.write_row(row)
        elif rows.points:
            cursor.executemany(_INSERT_POINT, rows.points)
