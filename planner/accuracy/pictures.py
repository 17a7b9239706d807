"""What the two pictures of a track record show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.accuracy.bootstrap import Interval
from planner.accuracy.coverage import Coverage
from planner.accuracy.scored import LEVELS, FloatArray, Scored

Z_90 = 1.6449  # of a two-sided 90 % interval


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    level: float  # nominal
    share: float  # observed at or before that quantile
    interval: Interval  # 90 %, as if rows were independent: the least that chance explains
    n: int  # rows that say it and started


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    predicted_s: FloatArray
    actual_s: FloatArray
    n: int  # before thinning


def reliability(scored: Scored) -> tuple[ReliabilityPoint, ...]:
    """One for each level that some row says; on the diagonal is right."""
    points = []
    for level, bound_s in zip(LEVELS, scored.quantiles, strict=True):
        n = int((~np.isnan(bound_s) & ~scored.is_censored).sum())
        share = Coverage.of(scored, bound_s).share()
        if share is not None:
            points.append(ReliabilityPoint(level, share, wilson_interval(share, n), n))
    return tuple(points)


def wilson_interval(share: float, n: int) -> Interval:
    """90 % interval of a binomial share (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    spread = Z_90**2 / n
    middle = (share + spread / 2.0) / (1.0 + spread)
    half = np.sqrt(share * (1.0 - share) * spread + spread**2 / 4.0) / (1.0 + spread)
    return Interval(float(max(middle - half, 0.0)), float(min(middle + half, 1.0)))


def predicted_against_actual(scored: Scored, at_most: int = 2000) -> Points:
    """Middle estimate and actual of the rows that started, by rising actual.

    Thinned evenly by rank, both ends kept: the same rows give the same points in any order.
    """
    shown = np.flatnonzero(scored.is_answered & ~scored.is_censored)
    order = shown[np.lexsort((scored.p50_s[shown], scored.actual_s[shown]))]
    if order.size > at_most:
        order = order[np.linspace(0, order.size - 1, at_most).round().astype(np.int64)]
    return Points(scored.p50_s[order], scored.actual_s[order], int(shown.size))
