"""Points of a metric read back as columns; NumPy, so only where curves are shown."""

from __future__ import annotations

import numpy as np
from django.db.models.functions import Coalesce

from tracker.curves import Curve, newest_attempts, thin
from tracker.models import MetricSeries


def read_curve(
    series: MetricSeries,
    *,
    attempt: int | None = None,
    from_step: int | None = None,
    to_step: int | None = None,
    max_points: int | None = None,
) -> Curve:
    """The points of a series by step; of each step those of its newest attempt, or of ``attempt``.

    Both ends of the range of steps are in it. ``max_points`` thins it for a plot.
    """
    points = series.points.order_by("step", "attempt", "id")
    if attempt is not None:
        points = points.filter(attempt=attempt)
    if from_step is not None:
        points = points.filter(step__gte=from_step)
    if to_step is not None:
        points = points.filter(step__lte=to_step)
    time_us = Coalesce("client_us", "received_us")
    rows = list(points.values_list("step", "attempt", "value_bits", time_us))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4).T.copy()
    step, attempts, bits, time_us_column = table
    curve = Curve(step, time_us_column / 1e6, bits.view(np.float64))
    curve = curve.take(newest_attempts(step, attempts))
    return curve if max_points is None else thin(curve, max_points)
