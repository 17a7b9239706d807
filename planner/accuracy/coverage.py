"""Which share of jobs started before a bound, jobs that gave up waiting included.

A job that left the queue unstarted after its bound is a miss; one that left before tells nothing of
its bound, and dropping it would make long waits look rare. So the share is estimated as Kaplan and
Meier (J. Am. Stat. Assoc. 53, 1958) do for survival: rows stand in the order of (1 + time) / (1 +
bound), their time on the scale of their own bound, and a row that is censored hands its share
on to those that were seen longer on that scale. This assumes that leaving says nothing about how
much longer the job would have waited, measured in bounds. Without censored rows it is the plain
share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.accuracy.scored import LEVELS, BoolArray, FloatArray, IntArray, Scored


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """Of one bound, over the rows that say it."""

    rows: IntArray  # of the Scored, by time on the scale of the bound
    is_within: BoolArray  # in that order: seen to start at or before the bound
    is_censored: BoolArray

    @classmethod
    def of(cls, scored: Scored, bound_s: FloatArray, within: BoolArray | None = None) -> Coverage:
        """``within`` replaces "at or before the bound" where ties are decided in another way."""
        if within is None:
            within = scored.actual_s <= bound_s
        scale = (1.0 + scored.actual_s) / (1.0 + bound_s)
        # At one time starts come before censorings, as usual, and of the starts those within.
        order = np.lexsort((~within, scored.is_censored, scale))
        rows = order[~np.isnan(bound_s[order])]
        censored = scored.is_censored[rows]
        return cls(rows, within[rows] & ~censored, censored)

    def share(self) -> float | None:
        """None where no row was seen to start.

        When nobody is left to hand a censored row's share on to, it counts as missed.
        """
        if self.is_censored.all():
            return None
        if not self.is_censored.any():
            return float(self.is_within.mean())
        at_risk = self.rows.size - np.flatnonzero(self.is_within)
        return float(1.0 - np.prod(1.0 - 1.0 / at_risk))


def within_p90_randomised(scored: Scored, rng: np.random.Generator) -> BoolArray:
    """Whether the actual is within the forecast's 90 %, a tie with the bound decided by a draw.

    A forecast that says 0 three times for a job that starts at once is right, yet "at or before"
    would score every such bound as covering 100 %. So the randomised probability integral transform
    (Smith, J. Forecasting 4, 1985) decides: u uniform between the forecast's probability of less
    than the actual and that of at most the actual, within where u <= 0.9. Of the forecast only its
    quantiles are known: at a tie the first is taken as the highest level said that lies below the
    bound (0 where none does), the second as 1. A point forecast that ties is within in 90 % of
    draws.
    """
    below = np.zeros(len(scored))
    for level, quantile in zip(LEVELS[:2], (scored.p10_s, scored.p50_s), strict=True):
        below = np.where(quantile < scored.p90_s, level, below)
    drawn = below + rng.random(len(scored)) * (1.0 - below) <= LEVELS[2]
    tie = scored.actual_s == scored.p90_s
    return np.where(tie, drawn, scored.actual_s < scored.p90_s)
