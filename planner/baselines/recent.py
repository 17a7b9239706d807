"""The last waits of like jobs, as they were."""

from __future__ import annotations

import numpy as np

from planner.baselines.past import (
    PastWaits,
    Shape,
    of_limit_class,
    of_partition,
    of_size_class,
    widening,
    within_factor_2_in_size,
)
from planner.quantiles import Quantiles

DAY_S = 86_400.0
LOOK_BACK = 20_000  # newest waits that are looked at
FEW = 10  # jobs: with fewer, a class is widened
LIKE_JOBS = 100  # ten of them lie beyond the ninth decile


def zero() -> Quantiles:
    """It starts at once."""
    return Quantiles.point(0.0)


def recent_median(past: PastWaits, shape: Shape, waited_s: float = 0.0) -> Quantiles | None:
    """Point forecast: the median wait of the last 7 days, else of 30, in the same partition, class
    of size and class of limit. None with fewer than 10 jobs in 30 days."""
    month = past.since(past.now_s - 30.0 * DAY_S).newest(LOOK_BACK, longer_than_s=waited_s)
    week = int(np.searchsorted(month.start_s, past.now_s - 7.0 * DAY_S))
    for like in widening(month, shape, of_partition, of_size_class, of_limit_class):
        for first in (week, 0):
            waits_s = month.wait_s[first:][like[first:]]
            if waits_s.size >= FEW:
                return Quantiles.point(float(np.median(waits_s)) - waited_s)
    return None


def recent_like(past: PastWaits, shape: Shape, waited_s: float = 0.0) -> Quantiles | None:
    """Quantiles .1 .5 .9 of the waits of the last 100 jobs of the same partition that asked for
    half to twice the processors. None with fewer than 10 among the 20,000 newest."""
    recent = past.newest(LOOK_BACK, longer_than_s=waited_s)
    for like in widening(recent, shape, of_partition, within_factor_2_in_size):
        waits_s = recent.wait_s[like][-LIKE_JOBS:]
        if waits_s.size >= FEW:
            p10_s, p50_s, p90_s = np.quantile(waits_s, (0.1, 0.5, 0.9)) - waited_s
            return Quantiles(float(p10_s), float(p50_s), float(p90_s))
    return None
