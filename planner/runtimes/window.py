"""The newest runs of a group of like jobs, and what they tell of a job under another limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.runtimes.alike import IntArray
from planner.runtimes.past import FloatArray, PastRuns

BoolArray = NDArray[np.bool_]

NEWEST = 60  # ended jobs of a group that count
STEADIER = 0.5  # run times in seconds that vary so much less than shares of the limit win
# Each run stands for some beside it: by so much in the logit of its share of the limit, a measure
# in which a run close to its limit stays close to it.
SMEAR = (-0.4, 0.0, 0.4)
_MOMENT = 1e-6  # of a limit


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Run times, shortest first; with ``is_end`` False a job runs at least so long."""

    log_s: FloatArray
    weight: FloatArray
    is_end: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Jobs of one group, oldest start first."""

    run_s: FloatArray  # so far, where it runs still
    limit_s: FloatArray
    is_end: BoolArray
    weight: FloatArray
    follows_limit: bool

    @classmethod
    def of(cls, past: PastRuns, rows: IntArray, now_s: float) -> Window | None:
        """The newest of those rows, which had all started by then; None if there is none.

        Newest by start, running ones among them: of jobs that ended lately too many are short.
        """
        rows, newer_ends = _newest(past, rows, now_s)
        if not len(rows):
            return None
        is_end = past.end_s[rows] <= now_s
        run_s = np.maximum(1.0, np.minimum(past.end_s[rows], now_s) - past.start_s[rows])
        limit_s = past.limit_s[rows]
        return cls(
            run_s=run_s,
            limit_s=limit_s,
            is_end=is_end,
            weight=(1.0 / (1.0 + newer_ends)).astype(np.float64),
            follows_limit=_follows_limit(run_s[is_end], limit_s[is_end]),
        )

    def under(self, limit_s: float) -> Samples:
        """What the jobs would have run under that limit.

        One that ran into its own limit runs into this one; without a limit it runs on.
        """
        is_timeout = self.is_end & (self.run_s >= self.limit_s)
        if math.isinf(limit_s):
            log_s = np.log(self.run_s)
            return self._smeared([log_s + by for by in SMEAR], self.is_end & ~is_timeout)
        has_limit = np.isfinite(self.limit_s)
        scaled = has_limit & (self.follows_limit | (self.run_s > limit_s))
        share = np.where(scaled, self.run_s / self.limit_s, self.run_s / limit_s)
        is_at_limit = is_timeout | (share >= 1.0)
        share = np.minimum(share, 1.0 - _MOMENT)
        logit = np.log(share) - np.log1p(-share)
        moved = [-np.logaddexp(0.0, -(logit + by)) for by in SMEAR]
        log_limit = math.log(limit_s)
        return self._smeared(
            [np.where(is_at_limit, log_limit, log_limit + log_share) for log_share in moved],
            self.is_end,
        )

    def _smeared(self, log_s: list[FloatArray], is_end: BoolArray) -> Samples:
        all_s = np.maximum(0.0, np.concatenate(log_s))
        order = np.argsort(all_s)
        row = order % len(self.run_s)
        return Samples(all_s[order], self.weight[row] / len(log_s), is_end[row])


def _newest(past: PastRuns, rows: IntArray, now_s: float) -> tuple[IntArray, IntArray]:
    """The last NEWEST rows that had ended, those running that started since, at most as many
    again; and how many of the ended ones started after each."""
    looked_at = 2 * NEWEST
    while True:  # a large array that runs may stand before all that ended
        last = rows[-looked_at:]
        is_end = past.end_s[last] <= now_s
        if looked_at >= len(rows) or np.count_nonzero(is_end) >= NEWEST:
            break
        looked_at *= 4
    newer_ends, newer_running = _later(is_end), _later(~is_end)
    kept = (newer_ends < NEWEST) & (is_end | (newer_running < NEWEST))
    return last[kept], newer_ends[kept]


def _later(marked: BoolArray) -> IntArray:
    """How many behind each are marked."""
    counts: IntArray = np.cumsum(marked[::-1], dtype=np.int64)[::-1] - marked
    return counts


def _follows_limit(run_s: FloatArray, limit_s: FloatArray) -> bool:
    """Unless the run times alone vary clearly less than as shares of the limit."""
    limited = np.isfinite(limit_s)
    log_run, log_limit = np.log(run_s[limited]), np.log(limit_s[limited])
    if not len(log_run):
        return True
    return bool(log_run.std() >= STEADIER * (log_run - log_limit).std())
