"""Rigid jobs on one pool of processors: first come first served, and EASY backfilling.

SimPy keeps the time; a job that waits is an index and no event. Two clocks: the scheduler plans
with estimates, jobs end when their run time is over. All submissions and ends of an instant are
applied before its one pass.

FCFS: jobs start in the order of their submission; the first that does not fit blocks the rest.
EASY (Lifka, JSSPP 1995): the first that does not fit is promised the shadow time, the earliest at
which enough processors are free if running jobs end as estimated; what is free then beyond its
need is extra. Later jobs start at once, in their order, where they fit and either end by the
shadow time as estimated or take no more than is left of the extra.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import inf, nextafter
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event, Timeout

Policy = Literal["fcfs", "easy"]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEW = 250  # jobs that a plain loop looks through sooner than numpy does: measured, bench/pool.py


@dataclass(frozen=True)
class Workload:
    """Jobs as arrays of one length, times in seconds of any origin.

    Jobs of one ``submit_s`` queue in the order given. A job that runs longer than estimated is
    expected to end any moment once its estimate is over. Jobs that run at the first submission
    have a ``start_s``; those over by then free their processors just then. Together they may hold
    more than the pool: then nothing starts until enough of them have ended.
    """

    submit_s: FloatArray
    procs: IntArray
    est_s: FloatArray
    run_s: FloatArray
    start_s: FloatArray | None = None  # nan: does not run yet


def starts_s(
    work: Workload, processors: int, policy: Policy = "easy", until: int | None = None
) -> FloatArray:
    """When each job starts, in the order and the origin of the workload. Deterministic.

    With ``until``, the index of a waiting job, time stops at its start: nan for those that would
    start later.
    Raises ValueError on a job that asks for more than the pool has, or for nothing.
    """
    given_s = np.full(len(work.submit_s), np.nan) if work.start_s is None else work.start_s.copy()
    waits = np.isnan(given_s)
    running, queue = np.flatnonzero(~waits), np.flatnonzero(waits)
    queue = queue[np.argsort(work.submit_s[queue], kind="stable")]
    _refuse_misfits(work.procs, queue, processors)
    if not queue.size:
        return given_s
    order = np.concatenate((queue, running))
    sorted_work = Workload(
        work.submit_s[order], work.procs[order], work.est_s[order], work.run_s[order]
    )
    pool = _Pool(sorted_work, queue.size, processors, backfills=policy == "easy")
    for job, start_s in enumerate(given_s[running].tolist(), start=queue.size):
        pool.adopt(job, start_s)
    pool.run(None if until is None else int(np.flatnonzero(order == until)[0]))
    given_s[order] = pool.start_s
    return given_s


def _refuse_misfits(procs: IntArray, queue: IntArray, processors: int) -> None:
    misfits = queue[(procs[queue] > processors) | (procs[queue] < 1)]
    if misfits.size:
        job = int(misfits[0])
        raise ValueError(
            f"job {job} asks for {procs[job]} processors of a pool of {processors};"
            " leave it out, or make the pool larger"
        )


class _Pool:
    """The pool in motion. Jobs are indices: first ``queued`` that queue, in the order they do."""

    def __init__(self, work: Workload, queued: int, processors: int, *, backfills: bool) -> None:
        self.start_s: list[float] = [np.nan] * len(work.submit_s)
        self._env = Environment(float(work.submit_s[0]))
        self._backfills = backfills
        self._submit_s: list[float] = work.submit_s[:queued].tolist()
        self._procs: list[int] = work.procs.tolist()
        self._est_s: list[float] = work.est_s.tolist()
        self._run_s: list[float] = work.run_s.tolist()
        # A job that has started wants more than any pool has, so no look at the queue meets it.
        self._gone = max(processors, int(work.procs.max())) + 1
        self._wanted = self._procs[:queued]
        self._wanted_array = work.procs[:queued].copy()
        self._est_array = work.est_s
        self._free = processors
        self._expected: list[tuple[float, int]] = []  # (end as estimated, job) of running jobs
        self._arrived = 0
        self._head = 0  # the first that waits, if fewer than have arrived
        self._until: int | None = None  # time stops at its start
        self._stop = Event(self._env)
        self._shadow_of: int | None = None  # the head that the next three hold for
        self._shadow_s = inf
        self._extra = 0
        self._looked = 0  # jobs before this one have no chance until one ends

    def adopt(self, job: int, start_s: float) -> None:
        """Let a job run that started before the time of this pool begins."""
        self.start_s[job] = start_s
        self._hold(job, start_s)
        self._at(max(self._env.now, start_s + self._run_s[job]), partial(self._end, job))

    def run(self, until: int | None) -> None:
        self._until = until
        self._at(self._env.now, self._arrive)
        self._env.run(None if until is None else self._stop)

    # What happens.

    def _arrive(self, _: Event) -> None:
        now_s, submit_s = self._env.now, self._submit_s
        arrived = self._arrived + 1
        while arrived < len(submit_s) and submit_s[arrived] <= now_s:
            arrived += 1
        self._arrived = arrived
        if arrived < len(submit_s):
            self._at(submit_s[arrived], self._arrive)
        self._settle()

    def _end(self, job: int, _: Event) -> None:
        self._free += self._procs[job]
        due = (self.start_s[job] + self._est_s[job], job)
        del self._expected[bisect_left(self._expected, due)]
        self._shadow_of = None
        self._settle()

    def _settle(self) -> None:
        """Schedule, if nothing else happens at this instant."""
        if self._env.peek() > self._env.now:
            self._pass()

    def _start(self, job: int) -> None:
        self._wanted[job] = self._wanted_array[job] = self._gone
        self.start_s[job] = now_s = self._env.now
        self._hold(job, now_s)
        Timeout(self._env, self._run_s[job]).callbacks.append(partial(self._end, job))
        if job == self._until:
            self._stop.succeed()

    def _hold(self, job: int, start_s: float) -> None:
        self._free -= self._procs[job]
        insort(self._expected, (start_s + self._est_s[job], job))

    # What the scheduler decides.

    def _pass(self) -> None:
        wanted, head, arrived = self._wanted, self._head, self._arrived
        while head < arrived:
            if wanted[head] != self._gone:
                if wanted[head] > self._free:
                    break
                self._start(head)
            head += 1
        self._head = head
        if self._backfills and head < arrived and self._free > 0:
            self._backfill(head)

    def _backfill(self, head: int) -> None:
        """Start what does not delay the head.

        While no job ends, the shadow stays where it is and only shrinks what may start before it:
        a job passed over once need not be looked at again.
        """
        if self._shadow_of != head:
            self._promise(head)
        now_s, shadow_s, free = self._env.now, self._shadow_s, self._free
        wanted, est_s = self._wanted, self._est_s
        for job in self._may_fit(self._looked):
            if wanted[job] > free:
                continue
            outlasts = now_s + est_s[job] > shadow_s
            if outlasts and wanted[job] > self._extra:
                continue
            self._start(job)
            free = self._free
            if outlasts:
                self._extra -= self._procs[job]
            if not free:
                break
        self._looked = self._arrived

    def _promise(self, head: int) -> None:
        """Find the shadow time of the first that waits, and the extra."""
        free, need, shadow_s = self._free, self._procs[head], inf
        for end_s, job in self._expected:
            if free >= need and end_s > shadow_s:
                break
            free += self._procs[job]
            shadow_s = end_s
        self._shadow_of, self._shadow_s, self._extra = head, shadow_s, free - need
        self._looked = head + 1

    def _may_fit(self, first: int) -> Iterable[int]:
        """Waiting jobs from ``first`` on, without most of those that cannot start in this pass.

        Free and extra processors only get fewer within a pass: who does not fit as it begins
        will not.
        """
        if self._arrived - first <= _FEW:
            return range(first, self._arrived)
        window = slice(first, self._arrived)
        fit: IntArray = np.flatnonzero(self._wanted_array[window] <= self._free) + first
        in_time = self._env.now + self._est_array[fit] <= self._shadow_s
        found: list[int] = fit[in_time | (self._wanted_array[fit] <= self._extra)].tolist()
        return found

    # Clockwork.

    def _at(self, at_s: float, act: Callable[[Event], None]) -> None:
        """Act at that time, and never a rounding error before it."""
        now_s = self._env.now
        delay_s = at_s - now_s
        while now_s + delay_s < at_s:
            delay_s = nextafter(delay_s, inf)
        Timeout(self._env, delay_s).callbacks.append(act)
