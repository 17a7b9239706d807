"""The summary rows of a run's metrics, locked while points are added. By hand: through the ORM
they cost more than all else in a request with one point."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter

from django.db import connection

from tracker.metrics.points import value_of
from tracker.models import MetricSeries, Run
from tracker.recording.stored_points import Key

_SUMMARY = (
    "last_step", "last_bits", "last_value", "last_attempt", "min_value", "max_value", "count",
    "non_finite_count", "loose",
)  # fmt: skip
_TABLE = MetricSeries._meta.db_table
_SELECT = f"SELECT id, name, {', '.join(_SUMMARY)} FROM {_TABLE} WHERE run_id = %s AND name IN "  # noqa: S608
_UPDATE = f"""
UPDATE {_TABLE} SET {", ".join(f"{name} = %s" for name in _SUMMARY)}, updated_at = %s WHERE id = %s
"""  # noqa: S608
_summary_of = attrgetter(*_SUMMARY)


@dataclass(slots=True)
class Series:
    """A row of MetricSeries, and how it changes with new points."""

    id: int
    name: str
    last_step: int | None
    last_bits: int | None
    last_value: float | None
    last_attempt: int
    min_value: float | None
    max_value: float | None
    count: int
    non_finite_count: int
    loose: int

    def is_before(self, attempt: int, step: int) -> bool:
        """Whether all its points are of earlier attempts, or of that one and earlier steps."""
        return self.last_step is None or (self.last_attempt, self.last_step) < (attempt, step)

    def take_in(self, attempt: int, values: dict[Key, float]) -> None:
        """Count points that are new. The last is of the newest attempt, the highest step, and of
        that step the one that came last."""
        finite = [value for value in values.values() if math.isfinite(value)]
        self.count += len(values)
        self.non_finite_count += len(values) - len(finite)
        if finite:
            low, high = min(finite), max(finite)
            self.min_value = low if self.min_value is None else min(low, self.min_value)
            self.max_value = high if self.max_value is None else max(high, self.max_value)
        top, bits, _ = max(reversed(values), key=itemgetter(0))
        if self.last_step is None or (self.last_attempt, self.last_step) <= (attempt, top):
            value = value_of(bits)
            self.last_attempt, self.last_step, self.last_bits = attempt, top, bits
            self.last_value = value if math.isfinite(value) else None


def locked_series(run: Run, names: Sequence[str]) -> list[Series]:
    """Those of these names that there are, locked in order of name: no two appends to the same
    series wait for each other."""
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_update else ""
    marks = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT} ({marks}) ORDER BY name{lock}", [run.pk, *names])
        return [Series(*row) for row in cursor.fetchall()]


def make_series(run: Run, names: Collection[str]) -> None:
    """Those that another append has made meanwhile stay as they are."""
    new = [MetricSeries(run=run, name=name) for name in sorted(names)]
    MetricSeries.objects.bulk_create(new, ignore_conflicts=True)


def save_series(changed: Sequence[Series], now: datetime) -> None:
    at = connection.ops.adapt_datetimefield_value(now)
    rows = [(*_summary_of(series), at, series.id) for series in changed]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_UPDATE, rows)
