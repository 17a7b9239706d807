"""Conservative backfilling on one pool of processors: every job has a reservation from the start.

The rules, for which the literature has many variants:

1.  A job is given, as it is submitted, the earliest time at which it fits beside the running jobs
    and all reservations made before its own: it delays no earlier job. Ends are expected when the
    estimates say.
2.  When a job ends before its estimate, the schedule is compressed: once through the queue, in
    the order of submission, each reservation in turn is given up and made again at the earliest
    time that fits beside all others, those of later jobs included. None gets later by that.
3.  A job starts at its reservation, never before.

All submissions and ends of an instant are applied before its one pass: compression, then new
reservations, then starts, each in the order of submission. So no job starts later than it was
promised at its submission.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import partial
from math import inf

import numpy as np
from simpy import Environment, Event, Timeout

from planner.sim.clock import call_at
from planner.sim.pool import FloatArray, IntArray, Tally, Workload, refuse_misfits


def conservative_starts_s(
    work: Workload, processors: int, tally: Tally | None = None
) -> FloatArray:
    """When each job starts, in the order and the origin of the workload. Deterministic.

    ``tally`` counts on while the simulation goes. Raises ValueError on a job that asks for more
    than the pool has or for nothing, that outlives its estimate, or that runs already: then no
    promise could be kept.
    """
    order = np.argsort(work.submit_s, kind="stable")
    refuse_misfits(work.procs, order, processors)
    _refuse_broken_promises(work)
    start_s = np.full(len(order), np.nan)
    if order.size:
        plan = _Plan(work, order, processors, tally or Tally())
        plan.run()
        start_s[order] = plan.start_s
    return start_s


def _refuse_broken_promises(work: Workload) -> None:
    if work.start_s is not None and not np.isnan(work.start_s).all():
        raise ValueError("conservative backfilling begins with an empty pool; leave out start_s")
    wrong = np.flatnonzero((work.run_s > work.est_s) | (work.est_s <= 0))
    if wrong.size:
        job = int(wrong[0])
        raise ValueError(
            f"job {job} runs for {work.run_s[job]:g} s of an estimate of {work.est_s[job]:g} s;"
            " cut its run time to the estimate"
        )


class Profile:
    """Free processors over time, a step function: ``free[i]`` from ``times_s[i]`` on."""

    def __init__(self, now_s: float, processors: int) -> None:
        self.times_s = [now_s]
        self.free = [processors]

    def begin_at(self, now_s: float) -> None:
        """Forget what is over."""
        over = bisect_right(self.times_s, now_s) - 1
        del self.times_s[:over], self.free[:over]
        self.times_s[0] = now_s

    def take(self, procs: int, start_s: float, end_s: float) -> None:
        """Hold so many processors between two times; a negative number gives them back."""
        first, last = self._edge(start_s), self._edge(end_s)
        for step in range(first, last):
            self.free[step] -= procs
        for step in (last, first):
            if step > 0 and self.free[step] == self.free[step - 1]:
                del self.times_s[step], self.free[step]

    def _edge(self, at_s: float) -> int:
        """The step that begins at that time, made where there is none."""
        step = bisect_left(self.times_s, at_s)
        if step == len(self.times_s) or self.times_s[step] != at_s:
            self.times_s.insert(step, at_s)
            self.free.insert(step, self.free[step - 1])
        return step

    def has_room_before(self, procs: int, until_s: float) -> bool:
        """At some moment before that time, however short."""
        return max(self.free[: bisect_left(self.times_s, until_s)], default=0) >= procs

    def earliest_s(self, procs: int, length_s: float) -> float:
        """When so many are free for so long, from the first step on."""
        start_s = inf  # of the room that the present step is part of
        for at_s, free in zip(self.times_s, self.free, strict=True):
            if at_s >= start_s + length_s:
                break
            if free < procs:
                start_s = inf
            elif start_s == inf:
                start_s = at_s
        return start_s


class _Plan:
    """The pool in motion. Jobs are places in the queue's order."""

    def __init__(self, work: Workload, order: IntArray, processors: int, tally: Tally) -> None:
        self.start_s: list[float] = [np.nan] * len(order)
        self._submit_s: list[float] = work.submit_s[order].tolist()
        self._procs: list[int] = work.procs[order].tolist()
        self._est_s: list[float] = work.est_s[order].tolist()
        self._run_s: list[float] = work.run_s[order].tolist()
        self._env = Environment(self._submit_s[0])
        self._tally = tally
        self._profile = Profile(self._env.now, processors)
        self._reserved_s: dict[int, float] = {}  # by job that waits, in the queue's order
        self._arrived = 0
        self._is_loose = False  # a job has ended early since the last pass
        self._wake_s = inf  # the next reservation that the clock knows of

    def run(self) -> None:
        call_at(self._env, self._env.now, self._arrive)
        self._env.run()

    def _arrive(self, _: Event) -> None:
        self._tally.events += 1
        self._settle()

    def _end(self, job: int, _: Event) -> None:
        now_s, expected_s = self._env.now, self.start_s[job] + self._est_s[job]
        if now_s < expected_s:
            self._profile.take(-self._procs[job], now_s, expected_s)
            self._is_loose = True
        self._tally.events += 1
        self._settle()

    def _wake(self, _: Event) -> None:
        self._tally.events += 1
        self._settle()

    def _settle(self) -> None:
        """Schedule, if nothing else happens at this instant."""
        if self._env.peek() > self._env.now:
            self._pass()

    def _pass(self) -> None:
        self._profile.begin_at(self._env.now)
        if self._is_loose:
            self._compress()
            self._is_loose = False
        self._take_in()
        now_s = self._env.now
        for job in [job for job, at_s in self._reserved_s.items() if at_s <= now_s]:
            self._start(job)
        next_s = min(self._reserved_s.values(), default=inf)
        if next_s not in (inf, self._wake_s):
            self._wake_s = next_s
            call_at(self._env, next_s, self._wake)

    def _compress(self) -> None:
        now_s, profile = self._env.now, self._profile
        for job, at_s in self._reserved_s.items():
            procs, est_s = self._procs[job], self._est_s[job]
            # Most cannot move: that is cheap to see.
            if at_s > now_s and profile.has_room_before(procs, at_s):
                profile.take(-procs, at_s, at_s + est_s)
                self._reserve(job)

    def _take_in(self) -> None:
        submit_s, arrived = self._submit_s, self._arrived
        while arrived < len(submit_s) and submit_s[arrived] <= self._env.now:
            self._reserve(arrived)
            arrived += 1
        if arrived > self._arrived and arrived < len(submit_s):
            call_at(self._env, submit_s[arrived], self._arrive)
        self._arrived = self._tally.jobs = arrived

    def _reserve(self, job: int) -> None:
        procs, est_s = self._procs[job], self._est_s[job]
        at_s = self._profile.earliest_s(procs, est_s)
        self._profile.take(procs, at_s, at_s + est_s)
        self._reserved_s[job] = at_s

    def _start(self, job: int) -> None:
        del self._reserved_s[job]
        self.start_s[job] = self._env.now
        Timeout(self._env, self._run_s[job]).callbacks.append(partial(self._end, job))
