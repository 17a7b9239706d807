"""One point that comes after all that its series has: what most requests of trainings bring.

It cannot be there already, so nothing is looked up, and its series' summary follows in SQL: one
statement and no transaction around it on PostgreSQL, two on SQLite.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction

from tracker.metrics.points import bits_of
from tracker.models import MetricPoint, MetricSeries, Run
from tracker.statements import changed_row

if TYPE_CHECKING:
    from tracker.recording.points import NewPoint

# Of two writers the second waits for the first's row, and then asks again whether it comes after.
_TAKE_IN = f"""
UPDATE {MetricSeries._meta.db_table} SET
    last_attempt = %(attempt)s, last_step = %(step)s,
    last_bits = %(bits)s, last_value = %(value)s,
    min_value = CASE WHEN min_value < %(value)s THEN min_value ELSE %(value)s END,
    max_value = CASE WHEN max_value > %(value)s THEN max_value ELSE %(value)s END,
    count = count + 1, loose = loose + 1, updated_at = %(now)s
WHERE run_id = %(run)s AND name = %(name)s
    AND (last_attempt, last_step) < (%(attempt)s, %(step)s)
RETURNING id
"""  # noqa: S608
_INTO = f"""
INSERT INTO {MetricPoint._meta.db_table}
    (series_id, attempt, step, value_bits, client_us, received_us)
"""
_COLUMNS = "%(attempt)s, %(step)s, %(bits)s, CAST(%(client_us)s AS bigint), %(received_us)s"
_STORE = f"{_INTO} VALUES (%(series)s, {_COLUMNS})"
_TAKE_IN_AND_STORE = f"""
WITH series AS ({_TAKE_IN}) {_INTO} SELECT id, {_COLUMNS} FROM series RETURNING series_id
"""  # noqa: S608


def append_next(run: Run, point: NewPoint, *, attempt: int, now: datetime) -> bool:
    """Store a point of ``attempt``; False where nothing was: its series is not there yet, it does
    not come after all that the series has, or it is not finite."""
    if not math.isfinite(point.value):
        return False
    values = {
        "run": run.pk,
        "name": point.name,
        "attempt": attempt,
        "step": point.step,
        "value": point.value,
        "bits": bits_of(point.value),
        "client_us": point.client_us,
        "received_us": int(now.timestamp() * 1_000_000),
        "now": connection.ops.adapt_datetimefield_value(now),
    }
    if connection.vendor == "postgresql":
        return changed_row(_TAKE_IN_AND_STORE, values) is not None
    with transaction.atomic():  # SQLite changes nothing in a WITH
        taken_in = changed_row(_TAKE_IN, values)
        if taken_in:
            changed_row(_STORE, values | {"series": taken_in[0]})
        return taken_in is not None
