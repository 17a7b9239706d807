"""The newest runs of a group of like jobs, and what they tell of a job under another limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from planner.runtimes.alike import NONE, IntArray
from planner.runtimes.past import PastRuns
from planner.runtimes.samples import BoolArray, FloatArray, Samples

NEWEST = 60  # ended jobs of a sweep that count, or sweeps of a coarser group
WITHIN_SWEEP = 0.3  # correlation of what jobs of a sweep run, on the first half of KTH's log
PER_SWEEP = 4  # newest ended jobs, and newest running ones, that stand for a sweep there
STEADIER = 0.5  # run times in seconds that vary so much less than shares of the limit win
# Each run stands for some beside it: by so much in the logit of its share of the limit, a measure
# in which a run close to its limit stays close to it.
SMEAR = (-0.4, 0.0, 0.4)
_MOMENT = 1e-6  # of a limit


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Jobs of one group, oldest start first."""

    run_s: FloatArray  # so far, where it runs still
    limit_s: FloatArray
    is_end: BoolArray
    weight: FloatArray
    follows_limit: bool

    @classmethod
    def of(
        cls, past: PastRuns, rows: IntArray, now_s: float, *, of_one_sweep: bool
    ) -> Window | None:
        """The newest of those rows, which had all started by then; None if there is none.

        Newest by start, running ones among them: of jobs that ended lately too many are short. The
        jobs of a sweep run alike, so that among others they count as a few jobs do.
        """
        rows = _looked_at(past, rows, now_s)
        if not len(rows):
            return None
        alone = -1 - np.arange(len(rows))
        sweep = past.sweep[rows]
        kinds = alone if of_one_sweep else np.where(sweep == NONE, alone, sweep)
        places, weight = _newest(kinds, past.end_s[rows] <= now_s)
        rows = rows[places]
        is_end = past.end_s[rows] <= now_s
        run_s = np.maximum(1.0, np.minimum(past.end_s[rows], now_s) - past.start_s[rows])
        limit_s = past.limit_s[rows]
        return cls(
            run_s=run_s,
            limit_s=limit_s,
            is_end=is_end,
            weight=weight,
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


def _looked_at(past: PastRuns, rows: IntArray, now_s: float) -> IntArray:
    """The last rows, enough to hold some sweeps that ended: a large array may run since then."""
    looked_at = 8 * NEWEST
    while looked_at < len(rows):
        if np.count_nonzero(past.end_s[rows[-looked_at:]] <= now_s) >= NEWEST:
            break
        looked_at *= 4
    return rows[-looked_at:]


def _newest(kinds: IntArray, is_end: BoolArray) -> tuple[IntArray, FloatArray]:
    """Places of the rows that stand for the last NEWEST kinds of which one has ended, and for as
    many that only run; and their weights.

    With n newer ended jobs a job weighs 1 / (1 + n), and a kind as its jobs would one by one, but
    each is counted as so many independent ones as it amounts to (Kish, 1965: the design effect).
    """
    _, first, kind = np.unique(kinds[::-1], return_index=True, return_inverse=True)
    kind = first.argsort().argsort()[kind]  # by row, numbered from the newest on
    size = np.minimum(np.bincount(kind), NEWEST)
    amounts_to = size / (1.0 + WITHIN_SWEEP * (size - 1.0))
    rows = np.flatnonzero(_alike_before(2 * kind + is_end[::-1]) < PER_SWEEP)
    kind, is_end = kind[rows], is_end[::-1][rows]
    has_ended = np.bincount(kind, weights=is_end) > 0.0
    newer = np.cumsum(amounts_to * has_ended) - amounts_to * has_ended
    weight = amounts_to / (newer + (1.0 + amounts_to) / 2.0) / np.bincount(kind)
    rank = np.where(has_ended, np.cumsum(has_ended), np.cumsum(~has_ended))
    kept = (rank <= NEWEST)[kind]
    return len(kinds) - 1 - rows[kept], weight[kind][kept]


def _alike_before(of: IntArray) -> IntArray:
    """How many before each are the same."""
    order = np.argsort(of, kind="stable")
    begins = np.searchsorted(of[order], of[order])
    found = np.empty_like(order)
    found[order] = np.arange(len(order)) - begins
    return found


def _follows_limit(run_s: FloatArray, limit_s: FloatArray) -> bool:
    """Unless the run times alone vary clearly less than as shares of the limit."""
    limited = np.isfinite(limit_s)
    log_run, log_limit = np.log(run_s[limited]), np.log(limit_s[limited])
    if not len(log_run):
        return True
    return bool(log_run.std() >= STEADIER * (log_run - log_limit).std())
