"""Intervals that know that jobs of one day are alike: whole days are drawn anew, never jobs.

Queues move in weeks and days; a thousand jobs of one bad afternoon are nearly one observation. The
bootstrap of jobs would take them for a thousand (Künsch, Ann. Stat. 17, 1989, for dependent data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from planner.accuracy.coverage import Coverage
from planner.accuracy.losses import absolute_error_s, is_within_factor_2, pinball_log, pinball_s
from planner.accuracy.scored import FloatArray, IntArray, Scored

LEVEL = 0.9  # of every interval
MIN_DAYS = 5  # drawing anew from fewer gives intervals far too narrow
# Statistics of ranks are drawn from sums per day and rank, and make do with fewer draws and with
# steps of many rows: both errors are far below the width of the interval.
RANKS = 500
RANK_REPLICATES = 250


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class DayBlocks:
    """Days drawn with replacement, once for all statistics of the same rows."""

    day: IntArray  # of each row: a column of counts
    counts: FloatArray  # replicates x days: how often the day was drawn

    @classmethod
    def draw(cls, day: IntArray, rng: np.random.Generator, replicates: int = 1000) -> DayBlocks:
        days, column = np.unique(day, return_inverse=True)
        chances = np.full(max(days.size, 1), 1.0 / max(days.size, 1))
        counts = rng.multinomial(days.size, chances, size=replicates)
        return cls(column, counts.astype(np.float64))

    def take(self, rows: npt.NDArray[Any]) -> DayBlocks:
        """The same draws for a part of the rows."""
        return DayBlocks(self.day[rows], self.counts)

    def ratio(self, above: FloatArray, below: FloatArray) -> Interval | None:
        """Of sum(above) / sum(below), over the rows where both are known (not nan)."""
        known = ~(np.isnan(above) | np.isnan(below))
        if not self._has_days(known):
            return None
        sums = [self.counts @ self._day_sums(np.where(known, x, 0.0)) for x in (above, below)]
        drawn = sums[1] > 0.0
        return _interval(sums[0][drawn] / sums[1][drawn])

    def mean(self, values: FloatArray) -> Interval | None:
        """Over the rows where it is known."""
        return self.ratio(values, np.where(np.isnan(values), np.nan, 1.0))

    def median(self, values: FloatArray) -> Interval | None:
        """Over the rows where it is known, to one part in RANKS of them."""
        known = ~np.isnan(values)
        if not self._has_days(known):
            return None
        rows = np.argsort(values)[: known.sum()]  # nan comes last
        heard = self._drawn_by_rank(rows, np.ones(rows.size)).cumsum(axis=1)
        heard = heard[heard[:, -1] > 0.0]
        middle = (heard >= heard[:, -1:] / 2.0).argmax(axis=1)
        return _interval(values[rows[(2 * middle + 1) * rows.size // (2 * heard.shape[1])]])

    def coverage(self, coverage: Coverage) -> Interval | None:
        """Kaplan-Meier in each draw, its rows put into RANKS steps."""
        started = np.zeros(self.day.size, dtype=np.bool_)
        started[coverage.rows[~coverage.is_censored]] = True
        if not self._has_days(started):
            return None
        drawn = self._drawn_by_rank(coverage.rows, np.ones(coverage.rows.size))
        within = self._drawn_by_rank(coverage.rows, coverage.is_within)
        seen = self._drawn_by_rank(coverage.rows, ~coverage.is_censored).any(axis=1)
        at_risk = drawn[:, ::-1].cumsum(axis=1)[:, ::-1]
        lost = np.divide(within, at_risk, out=np.zeros_like(within), where=at_risk > 0.0)
        return _interval(1.0 - np.prod(1.0 - lost[seen], axis=1))

    def _drawn_by_rank(self, rows: IntArray, values: npt.NDArray[Any]) -> FloatArray:
        """Replicates x ranks: sums of ``values``, one for each of ``rows``, these in order."""
        ranks = min(RANKS, rows.size)
        table = np.zeros((self.counts.shape[1], ranks))
        np.add.at(table, (self.day[rows], np.arange(rows.size) * ranks // rows.size), values)
        return self.counts[:RANK_REPLICATES] @ table

    def _day_sums(self, values: FloatArray) -> FloatArray:
        sums = np.zeros(self.counts.shape[1])
        np.add.at(sums, self.day, values)
        return sums

    def _has_days(self, rows: npt.NDArray[np.bool_]) -> bool:
        return np.unique(self.day[rows]).size >= MIN_DAYS


def score_intervals(scored: Scored, blocks: DayBlocks) -> dict[str, Interval | None]:
    """Of the figures of ``Score`` that matter most, by their names; None: too few days."""
    off_s = absolute_error_s(scored)
    return {
        "median_ae_s": blocks.median(off_s),
        "mae_s": blocks.mean(off_s),
        "pinball": blocks.mean(pinball_s(scored)),
        "pinball_log": blocks.mean(pinball_log(scored)),
        "within_factor_2": blocks.mean(is_within_factor_2(scored)),
        "coverage_p50": blocks.coverage(Coverage.of(scored, scored.p50_s)),
        "coverage_p90": blocks.coverage(Coverage.of(scored, scored.p90_s)),
    }


def _interval(drawn: FloatArray) -> Interval | None:
    if not drawn.size:
        return None
    low, high = np.quantile(drawn, ((1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0))
    return Interval(float(low), float(high))
