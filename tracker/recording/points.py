"""Appending metric points: each stored once, and the summary of its series kept right."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from tracker.models import MetricPoint, MetricSeries, Run
from tracker.points import bits_of

# Without a target the clause covers both identities of a point, on SQLite and on PostgreSQL.
_INSERT = f"""
INSERT INTO {MetricPoint._meta.db_table}
    (series_id, attempt, step, value_bits, client_us, received_us)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""  # noqa: S608
_SUMMARY = (
    "last_step", "last_bits", "last_attempt", "min_value", "max_value",
    "count", "non_finite_count", "updated_at",
)  # fmt: skip
# By hand too: bulk_update costs a third of the time of a request with one point.
_UPDATE = f"""
UPDATE {MetricSeries._meta.db_table} SET {", ".join(f"{name} = %s" for name in _SUMMARY)}
WHERE id = %s
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class NewPoint:
    """``client_us`` is the client's own time in epoch microseconds, None where it sent none."""

    name: str
    step: int
    value: float
    client_us: int | None = None


def append_points(
    run: Run, points: Iterable[NewPoint], *, attempt: int | None = None, now: datetime
) -> int:
    """Store points of one attempt (None: the run's present one); the number newly stored.

    All or none are stored. A repeat is not stored twice and changes no summary.
    """
    attempt = run.attempt if attempt is None else attempt
    by_name: dict[str, list[NewPoint]] = defaultdict(list)
    for point in points:
        by_name[point.name].append(point)
    with transaction.atomic():
        stored_by_series = {
            series: _append(series, by_name[series.name], attempt, now)
            for series in _locked_series(run, sorted(by_name))
        }
        _save_summaries([series for series, stored in stored_by_series.items() if stored])
    return sum(stored_by_series.values())


def _locked_series(run: Run, names: list[str]) -> list[MetricSeries]:
    """The series of these names, made where absent. Rows are inserted first and then locked, both
    in order of name, so that no two appends wait for each other."""
    mine = MetricSeries.objects.filter(run=run, name__in=names)
    missing = set(names) - set(mine.values_list("name", flat=True))
    new = [MetricSeries(run=run, name=name) for name in sorted(missing)]
    MetricSeries.objects.bulk_create(new, ignore_conflicts=True)
    return list(mine.select_for_update().order_by("name"))


def _append(series: MetricSeries, points: list[NewPoint], attempt: int, now: datetime) -> int:
    last = _new_last(series, points, attempt)
    finite = [point for point in points if math.isfinite(point.value)]
    strange = [point for point in points if not math.isfinite(point.value)]
    received_us = int(now.timestamp() * 1_000_000)
    finite_stored = _insert(series, finite, attempt, received_us)
    strange_stored = _insert(series, strange, attempt, received_us)
    if not finite_stored + strange_stored:
        return 0
    series.count += finite_stored + strange_stored
    series.non_finite_count += strange_stored
    values = [point.value for point in finite]
    series.min_value = min(filter(_is_known, [series.min_value, *values]), default=None)
    series.max_value = max(filter(_is_known, [series.max_value, *values]), default=None)
    if last:
        series.last_attempt, series.last_step = attempt, last.step
        series.last_bits = bits_of(last.value)
    series.updated_at = now
    return finite_stored + strange_stored


def _is_known(value: float | None) -> bool:
    return value is not None


def _new_last(series: MetricSeries, points: list[NewPoint], attempt: int) -> NewPoint | None:
    """The point that becomes the series' last: of the newest attempt, the highest step, and of
    that step the one that came last. A repeat of an older value does not come last again."""
    top = max(point.step for point in points)
    known = (series.last_attempt, series.last_step)
    at_top = [point for point in points if point.step == top]
    if series.last_step is None or (attempt, top) > known:
        return at_top[-1]
    if (attempt, top) < known:
        return None
    stored = set(
        series.points.filter(attempt=attempt, step=top).values_list("value_bits", "client_us")
    )
    return next(
        (p for p in reversed(at_top) if (bits_of(p.value), p.client_us) not in stored), None
    )


def _insert(
    series: MetricSeries, points: Sequence[NewPoint], attempt: int, received_us: int
) -> int:
    if not points:
        return 0
    rows = [
        (series.pk, attempt, p.step, bits_of(p.value), p.client_us, received_us) for p in points
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)
        return int(cursor.rowcount)


def _save_summaries(changed: list[MetricSeries]) -> None:
    columns = [MetricSeries._meta.get_field(name) for name in (*_SUMMARY, "id")]
    rows = [
        [column.get_db_prep_save(getattr(series, column.attname), connection) for column in columns]
        for series in changed
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_UPDATE, rows)
