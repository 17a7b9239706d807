"""Run times as the past tells them: of the most alike jobs first, then of less alike ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from planner.runtimes.alike import LIKENESS, NAME, NONE, SWEEP, IntArray
from planner.runtimes.curves import OVERTIME_S, Curve, Curves
from planner.runtimes.past import AskedRun, PastRuns
from planner.runtimes.recent import Recent
from planner.runtimes.samples import FloatArray, Samples
from planner.runtimes.sweeps import just_ended_s, mixed
from planner.runtimes.window import Window

# What all coarser groups weigh beside a group, where its newest job, or sweep, weighs 1, the next
# 1/2, the next 1/3: a group of 30 counts as much as they do.
COARSER = 4.0
# The share of the limit that a user's first job uses is a uniform number to this power: deciles
# of 0.3, 2, 5, 10, 18, 28, 41, 57 and 77 %, much like the logs of KTH, Curie and Eagle; but one in
# sixteen runs into its limit.
FIRST_JOBS = 2.5
UNLIMITED_S = 60.0, 7 * 86_400.0  # least and most, where nothing else is known
# What is made for one job is kept for the next that asks the same. A curve takes 20 KiB, and each
# batch of replicas asks for all of the queue's: 5,000 on a cluster where as many jobs wait. What
# lies under it, of the groups from each level on, is seldom asked for again but by its neighbours.
CURVES_KEPT = 10_000
COARSER_KEPT = 500


class RunTimes:
    """The distribution of the run time of any job, as known at one instant."""

    def __init__(self, past: PastRuns, now_s: float) -> None:
        self._past = past
        self._now_s = now_s
        self._windows: dict[tuple[int, int], Window | None] = {}
        self._samples: dict[tuple[int, int, float], Samples | None] = {}
        self._resolved: Recent[tuple[tuple[int, ...], float], Samples] = Recent(COARSER_KEPT)
        self._curves: Recent[tuple[tuple[int, ...], float], Curve] = Recent(CURVES_KEPT)

    @classmethod
    def learn(cls, past: PastRuns, now_s: float) -> RunTimes:
        """Sees no start after ``now_s``; a job that ended later runs still.

        Groups are looked at when first asked for, so that this costs nothing.
        """
        return cls(past, now_s)

    def draw(self, jobs: Sequence[AskedRun], age_s: FloatArray, u: FloatArray) -> FloatArray:
        """Run times in all, (jobs, K), at the uniforms ``u`` (jobs, K); they grow with ``u``.

        ``age_s`` (jobs,) is how long each has run, 0 for a pending one: what is drawn is longer.
        A job that reaches its limit ends within OVERTIME_S, one past that any moment.
        """
        if not jobs:
            return np.empty(u.shape, dtype=np.float64)
        is_limited = np.array([[math.isfinite(job.limit_s)] for job in jobs])
        curves, which = self._curves_of(jobs)
        gone = np.where(age_s > 1.0, curves.share_by(which, np.log(np.maximum(age_s, 1.0))), 0.0)
        gone, age_s = gone[:, None], age_s[:, None]
        run_s = np.exp(curves.log_s_at(which[:, None], gone + u * (1.0 - gone)))
        outlived_s = age_s + u * np.where(is_limited, OVERTIME_S, age_s)
        return np.where(gone < 1.0, np.maximum(run_s, age_s + u), outlived_s)

    def ended_of_user(self, job: AskedRun) -> int:
        """How many ended runs of its user are known."""
        level = LIKENESS.index(("user",))
        group = int(self._past.groups_of([job])[0, level])
        if group == NONE:
            return 0
        rows = self._past.rows_of(level, group, self._now_s)
        return int(np.count_nonzero(self._past.end_s[rows] <= self._now_s))

    def _curves_of(self, jobs: Sequence[AskedRun]) -> tuple[Curves, IntArray]:
        """Jobs of the same groups and limit have one curve: the curves, and which is whose."""
        numbers: dict[tuple[tuple[int, ...], float], int] = {}
        rows = self._past.groups_of(jobs).tolist()
        keys = [
            (tuple(groups), max(1.0, job.limit_s)) for groups, job in zip(rows, jobs, strict=True)
        ]
        which = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
        return Curves([self._curve(*key) for key in numbers]), which

    def _curve(self, groups: tuple[int, ...], limit_s: float) -> Curve:
        return self._curves.get(
            (groups, limit_s), lambda: Curve.through(self._of_jobs(groups, limit_s), limit_s)
        )

    def _of_jobs(self, groups: tuple[int, ...], limit_s: float) -> Samples:
        """Of jobs in those groups, one a level."""
        ends = self._ends(groups, limit_s)
        # Without a name nobody can tell a sweep: taken for one, jobs of a user with one size and
        # limit made the log loss at submission larger by 6 % on Curie's log, by 1 % on KTH's.
        if NONE in (groups[SWEEP], groups[NAME]):
            return ends
        rows = self._past.rows_of(SWEEP, groups[SWEEP], self._now_s)
        just_ended = just_ended_s(self._past, rows, self._now_s)
        if not len(just_ended):
            return ends
        coarser = self._coarser(groups[SWEEP + 1 :], limit_s)
        return mixed(ends, coarser, just_ended, limit_s)

    def _coarser(self, groups: tuple[int, ...], limit_s: float) -> Samples:
        return self._resolved.get((groups, limit_s), lambda: self._ends(groups, limit_s))

    def _ends(self, groups: tuple[int, ...], limit_s: float) -> Samples:
        """Of the groups of one level and all coarser ones, down to the last."""
        if not groups:
            return _of_limit(limit_s)
        coarser = self._coarser(groups[1:], limit_s)
        samples = self._under(len(LIKENESS) - len(groups), groups[0], limit_s)
        return coarser if samples is None else samples.resolved(coarser, COARSER, limit_s)

    def _under(self, level: int, group: int, limit_s: float) -> Samples | None:
        key = level, group, limit_s
        if key not in self._samples:
            window = self._window(level, group)
            self._samples[key] = None if window is None else window.under(limit_s)
        return self._samples[key]

    def _window(self, level: int, group: int) -> Window | None:
        if group == NONE:
            return None
        key = level, group
        if key not in self._windows:
            rows = self._past.rows_of(level, group, self._now_s)
            self._windows[key] = Window.of(
                self._past, rows, self._now_s, of_one_sweep=level == SWEEP
            )
        return self._windows[key]


def _of_limit(limit_s: float) -> Samples:
    """Nothing known: as first jobs of users go, without a limit all magnitudes alike."""
    if math.isfinite(limit_s):
        share = np.append((np.arange(0.5, 15.0) / 15.0) ** FIRST_JOBS, 1.0)  # the last at the limit
        run_s = limit_s * share
    else:
        run_s = np.geomspace(*UNLIMITED_S, 15)
    each = np.full(len(run_s), 1.0 / len(run_s))
    return Samples(np.log(np.maximum(1.0, run_s)), each, np.full(len(run_s), True))
