"""How long the hypothetical job would run, and what a shorter limit would cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.asking.probe import PROBE
from planner.ensemble.chance import FloatArray, hashes, uniforms
from planner.runtimes import AskedRun, RunTimes

# A share of runs beyond a limit is told from so many ended runs of the user on; else nobody knows.
ENOUGH = 10
SMALL = 0.1
_GRID = 200  # quantiles that stand for a distribution
_AT_LIMIT = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class OwnRun:
    """Of a job as it was asked for. It runs as long under any other limit, or is killed there."""

    by_replica_s: FloatArray  # as if it may run to its own limit
    quantiles_s: FloatArray  # evenly spaced, rising
    limit_s: float  # its own
    is_known: bool  # enough runs of the user stand behind it

    def at(self, share: float) -> float | None:
        """The time by which that share of such runs is over; None: not known."""
        return float(np.quantile(self.quantiles_s, share)) if self.is_known else None

    def p_killed(self, limit_s: float) -> float | None:
        """The share of such runs that a limit cuts off; None: not known.

        Above its own limit it is at most the share that runs into that one: told if that is small.
        """
        if not self.is_known:
            return None
        least_s = min(limit_s, self.limit_s) * _AT_LIMIT
        share = float(np.mean(self.quantiles_s >= least_s))
        return share if limit_s <= self.limit_s or share <= SMALL else None

    def lost_s(self, limit_s: float, start_s: float) -> float:
        """What a limit loses on average, beyond its own, by the runs that it kills: the wait and
        all that they ran; 0 where it is not known how many those are."""
        killed, anyway = self.p_killed(limit_s), self.p_killed(self.limit_s)
        return 0.0 if killed is None else (killed - (anyway or 0.0)) * (start_s + limit_s)

    def ends_s(self, start_s: FloatArray, limit_s: float) -> FloatArray:
        """By replica; infinite where a limit that is shorter than its own cuts the run off, for
        then it does not get its results."""
        is_cut = (limit_s < self.limit_s) & (self.by_replica_s > limit_s)
        return np.where(is_cut, np.inf, start_s + self.by_replica_s)

    def p_done_by(self, deadline_s: float, starts_s: FloatArray) -> float:
        """The chance to be over by then with any of these starts, all alike likely."""
        left_s = deadline_s - starts_s[np.isfinite(starts_s)]
        done = np.searchsorted(self.quantiles_s, left_s, side="right") / len(self.quantiles_s)
        return float(done.sum() / len(starts_s)) if len(starts_s) else 0.0


class OwnRuns:
    """Draws that hang on the seed and the replica alone: the same for every way to ask."""

    def __init__(self, runs: RunTimes | None, seed: int, replicas: Sequence[int]) -> None:
        self._runs = runs
        drawn = uniforms(hashes([PROBE]), seed, range(max(replicas, default=-1) + 1))
        self._u = drawn[:, list(replicas)]
        self._known: dict[AskedRun, OwnRun] = {}

    def of(self, asked: AskedRun) -> OwnRun:
        """Without a past it runs to its limit."""
        if asked not in self._known:
            self._known[asked] = self._drawn(asked)
        return self._known[asked]

    def _drawn(self, asked: AskedRun) -> OwnRun:
        count = self._u.shape[1]
        if self._runs is None:
            to_limit = np.full(count, asked.limit_s)
            return OwnRun(to_limit, to_limit[:1], asked.limit_s, is_known=False)
        grid = (np.arange(_GRID) + 0.5)[np.newaxis] / _GRID
        age_s = np.zeros(1)
        by_replica_s, quantiles_s = (
            np.ceil(self._runs.draw([asked], age_s, u))[0] for u in (self._u, grid)
        )
        is_known = self._runs.ended_of_user(asked) >= ENOUGH
        return OwnRun(by_replica_s, np.sort(quantiles_s), asked.limit_s, is_known)
