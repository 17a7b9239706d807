"""Which points are stored already: as rows, or in a sealed chunk that covers their steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from django.db import connection

from tracker.metrics.chunk_columns import unpack
from tracker.models import MetricChunk, MetricPoint

Key = tuple[int, int, int | None]  # of a point in its series and attempt: step, bits, client's time
Origin = tuple[int, int]  # id of a series, and an attempt

ASKED_AT_ONCE = 500  # points in one query: each is four of SQLite's parameters
# CROSS JOIN, so that SQLite looks each asked point up and does not read the table.
_ROWS = f"""
WITH asked (series_id, attempt, step, value_bits) AS (VALUES %s)
SELECT point.series_id, point.attempt, point.step, point.value_bits, point.client_us
FROM asked CROSS JOIN {MetricPoint._meta.db_table} AS point
WHERE point.series_id = asked.series_id AND point.step = asked.step
    AND point.attempt = asked.attempt AND point.value_bits = asked.value_bits
"""  # noqa: S608
_CHUNKS = f"""
SELECT series_id, attempt, first_step, last_step, columns FROM {MetricChunk._meta.db_table}
WHERE series_id IN (%s) AND first_step <= %%s AND last_step >= %%s
"""  # noqa: S608


def stored_keys(asked: Mapping[Origin, Collection[Key]]) -> dict[Origin, set[Key]]:
    """Of the points asked for those that are stored, and perhaps others."""
    found: dict[Origin, set[Key]] = defaultdict(set)
    if asked:
        for origin, key in chain(_in_rows(asked), _in_chunks(asked)):
            found[origin].add(key)
    return found


def _in_rows(asked: Mapping[Origin, Collection[Key]]) -> Iterator[tuple[Origin, Key]]:
    points = [(*origin, step, bits) for origin, keys in asked.items() for step, bits, _ in keys]
    with connection.cursor() as cursor:
        for first in range(0, len(points), ASKED_AT_ONCE):
            some = points[first : first + ASKED_AT_ONCE]
            marks = ", ".join(["(%s, %s, %s, %s)"] * len(some))
            cursor.execute(_ROWS % marks, list(chain.from_iterable(some)))
            for series_id, attempt, *key in cursor.fetchall():
                yield (series_id, attempt), tuple(key)


def _in_chunks(asked: Mapping[Origin, Collection[Key]]) -> Iterator[tuple[Origin, Key]]:
    steps = {origin: {step for step, _, _ in keys} for origin, keys in asked.items()}
    ids = {series_id for series_id, _ in asked}
    ends = max(map(max, steps.values())), min(map(min, steps.values()))
    with connection.cursor() as cursor:
        cursor.execute(_CHUNKS % ", ".join(["%s"] * len(ids)), [*ids, *ends])
        for series_id, attempt, first, last, columns in cursor.fetchall():
            wanted = {step for step in steps.get((series_id, attempt), ()) if first <= step <= last}
            if wanted:
                for key in unpack(columns).keys_at(wanted):
                    yield (series_id, attempt), key
