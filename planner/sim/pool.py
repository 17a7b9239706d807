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

from array import array
from bisect import bisect_left, insort
from dataclasses import dataclass
from math import inf, isnan
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event, Timeout

from planner.sim.clock import call_at
from planner.sim.waiting import Waiting

Policy = Literal["fcfs", "easy"]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


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


@dataclass(slots=True)
class Tally:
    """What has happened so far in a simulation."""

    events: int = 0  # that the clock stopped for
    jobs: int = 0  # that have come to the queue


def starts_s(
    work: Workload,
    processors: int,
    policy: Policy = "easy",
    until: int | None = None,
    tally: Tally | None = None,
) -> FloatArray:
    """When each job starts, in the order and the origin of the workload. Deterministic.

    With ``until``, the index of a waiting job, time stops at its start: nan for those that would
    start later. ``tally`` counts on while the simulation goes.
    Raises ValueError on a job that asks for more than the pool has, or for nothing.
    """
    given_s = np.full(len(work.submit_s), np.nan) if work.start_s is None else work.start_s.copy()
    waits = np.isnan(given_s)
    running, queue = np.flatnonzero(~waits), np.flatnonzero(waits)
    queue = queue[np.argsort(work.submit_s[queue], kind="stable")]
    refuse_misfits(work.procs, queue, processors)
    if not queue.size:
        return given_s
    order = np.concatenate((queue, running))
    sorted_work = Workload(
        work.submit_s[order], work.procs[order], work.est_s[order], work.run_s[order]
    )
    tally = tally or Tally()
    pool = _Pool(sorted_work, queue.size, processors, tally, backfills=policy == "easy")
    for job, start_s in enumerate(given_s[running].tolist(), start=queue.size):
        pool.adopt(job, start_s)
    pool.run(None if until is None else int(np.flatnonzero(order == until)[0]))
    given_s[order] = pool.start_s
    return given_s


def refuse_misfits(procs: IntArray, queue: IntArray, processors: int) -> None:
    misfits = queue[(procs[queue] > processors) | (procs[queue] < 1)]
    if misfits.size:
        job = int(misfits[0])
        raise ValueError(
            f"job {job} asks for {procs[job]} processors of a pool of {processors};"
            " leave it out, or make the pool larger"
        )


class _Pool:
    """The pool in motion. Jobs are indices: first ``queued`` that queue, in the order they do."""

    def __init__(
        self, work: Workload, queued: int, processors: int, tally: Tally, *, backfills: bool
    ) -> None:
        # One number at a time comes sooner from arrays of this kind than from numpy's, and they
        # take a quarter of the memory of lists.
        self.start_s = array("d", [np.nan]) * len(work.submit_s)
        self._submit_s = _numbers(work.submit_s[:queued])
        self._submit_s.append(inf)  # nobody comes after the last
        self._est_s = _numbers(work.est_s)
        self._run_s = _numbers(work.run_s)
        self._procs = array("q", work.procs.astype(np.int64).tobytes())
        self._env = Environment(float(work.submit_s[0]))
        self._now_s = self._env.now
        self._tally = tally
        self._until: int | None = None  # time stops at its start
        self._stop = Event(self._env)
        self._free = processors
        self._expected: list[tuple[float, int, int]] = []  # running: end as estimated, job, procs
        self._arrived = 0  # so many are in the queue or have left it
        self._head = 0  # the first that waits, if fewer than have arrived
        # While a head waits and there is room, and of no meaning otherwise:
        self._shadow_s = -inf
        self._extra = -1
        self._backfills = backfills
        self._waiting = Waiting(self._procs, work.est_s[:queued])  # if it backfills

    def adopt(self, job: int, start_s: float) -> None:
        """Let a job run that started before the time of this pool begins."""
        self.start_s[job] = start_s
        self._free -= self._procs[job]
        insort(self._expected, (start_s + self._est_s[job], job, self._procs[job]))
        end_s = max(self._env.now, start_s + self._run_s[job])
        call_at(self._env, end_s, self._end, job)

    def run(self, until: int | None) -> None:
        self._until = until
        call_at(self._env, self._env.now, self._arrive)
        self._env.run(None if until is None else self._stop)

    # What happens.

    def _arrive(self, _: Event) -> None:
        self._tally.events += 1
        # Ends of this instant come first, and then look ahead to this again.
        if self._is_settled():
            self._take_in()
            self._look_ahead()

    def _end(self, event: Event) -> None:
        job: int = event.value  # type: ignore[assignment]  # _start gave it to the Timeout
        self._free += self._procs[job]
        due = (self.start_s[job] + self._est_s[job], job)
        del self._expected[bisect_left(self._expected, due)]
        self._tally.events += 1
        self._now_s = now_s = self._env.now
        if self._env.peek() > now_s:
            self._start_heads()
            if self._backfills and self._head < self._arrived and self._free > 0:
                self._backfill()
            self._look_ahead()

    def _is_settled(self) -> bool:
        """Nothing else happens at this instant."""
        self._now_s = self._env.now
        return self._env.peek() > self._now_s

    def _start(self, job: int) -> None:
        procs, now_s = self._procs[job], self._now_s
        end_s = now_s + self._est_s[job]
        self.start_s[job] = now_s
        self._free -= procs
        if end_s > self._shadow_s:
            self._extra -= procs
        insort(self._expected, (end_s, job, procs))
        Timeout(self._env, self._run_s[job], job).callbacks.append(self._end)
        if job == self._until:
            self._stop.succeed()

    # What the scheduler decides.

    def _start_heads(self) -> None:
        """Start the first that wait while they fit."""
        head, arrived = self._head, self._arrived
        while head < arrived:
            if isnan(self.start_s[head]):
                if self._procs[head] > self._free:
                    break
                if self._backfills:
                    self._waiting.leave(head)
                self._start(head)
            head += 1
        self._head = head

    def _backfill(self) -> None:
        """Start what does not delay the head.

        Until a job ends, the shadow stays where it is and only shrinks what may start before it:
        who is passed over now need not be looked at again.
        """
        self._promise()
        waiting, now_s = self._waiting, self._now_s
        while self._free > 0:
            job = waiting.first(self._free, self._extra, now_s, self._shadow_s)
            if job is None:
                break
            waiting.leave(job)
            self._start(job)

    def _take_in(self) -> None:
        """Start who comes now or let them queue, one by one."""
        submit_s, arrived, now_s = self._submit_s, self._arrived, self._now_s
        while submit_s[arrived] <= now_s:
            if self._head == arrived and self._procs[arrived] <= self._free:
                self._start(arrived)
                self._head += 1
            elif self._head < arrived and self._has_room(arrived, now_s):
                self._start(arrived)
            elif self._backfills:
                self._waiting.join(arrived)
                if self._head == arrived:
                    self._promise()
            arrived += 1
        self._arrived = arrived

    def _has_room(self, job: int, at_s: float) -> bool:
        """Before the head."""
        procs = self._procs[job]
        return procs <= self._free and (
            procs <= self._extra or at_s + self._est_s[job] <= self._shadow_s
        )

    def _promise(self) -> None:
        """Find the shadow time of the first that waits, and the extra."""
        free, need, shadow_s = self._free, self._procs[self._head], inf
        for end_s, _, procs in self._expected:
            if free >= need and end_s > shadow_s:
                break
            free += procs
            shadow_s = end_s
        self._shadow_s, self._extra = shadow_s, free - need

    def _look_ahead(self) -> None:
        """Wake at the next submission that may find room.

        Those that come before the next end and find none change nothing: they queue unseen.
        """
        submit_s, arrived, waiting = self._submit_s, self._arrived, self._waiting
        next_end_s = self._env.peek()
        while submit_s[arrived] < next_end_s:
            if self._head == arrived or self._has_room(arrived, submit_s[arrived]):
                call_at(self._env, submit_s[arrived], self._arrive)
                break
            if self._backfills:
                waiting.join(arrived)
            arrived += 1
        self._arrived = self._tally.jobs = arrived


def _numbers(column: FloatArray) -> array[float]:
    return array("d", column.astype(np.float64).tobytes())
