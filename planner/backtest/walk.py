"""A walk through a trace, in which each fact becomes known when it happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.backtest.known import Ended, Known, Running, Waits
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.traces.jobs import Asked, Trace, TraceJob

LEARN_EVERY = 25  # ends: to learn run times anew for each target takes most of a backtest's time


def inferred(trace: Trace) -> tuple[str, ...]:
    """What is said of a trace that does not tell how the machine is divided."""
    partitions = {job.asked.partition for job in trace.jobs}
    if trace.processors is not None and len(partitions) == 1:
        return ()
    note = (
        f"the log does not tell the sizes of its partitions ({len(partitions)}): at any time each"
        " has the most that had run at once in it by then"
    )
    return (note,)


class _Kind(IntEnum):
    SUBMIT = 0
    START = 1
    CANCEL = 2
    END = 3


class Walk:
    """Walks once, from the first job on: ``at`` takes targets in the order of the trace.

    Jobs that ran at an unknown time are left out: they would seem to wait for ever.
    """

    def __init__(self, trace: Trace) -> None:
        self._jobs = trace.jobs
        self._processors = trace.processors
        self._events = sorted(_events(trace.jobs))
        self._next_event = 0
        self._instant_s = -np.inf
        self._pending: dict[int, Asked] = {}
        self._running: dict[int, Running] = {}
        self._started = _Rows(len(trace.jobs), ("start_s", "wait_s"))
        self._ended = _Rows(len(trace.jobs), ("end_s", "run_s"))
        self._ended_of: dict[str, list[int]] = defaultdict(list)
        self._partitions: dict[str, int] = {}
        self._users: dict[str, int] = {}
        self._in_use: dict[str, int] = defaultdict(int)
        self._most_at_once: dict[str, int] = defaultdict(int)
        self._runs = PastRuns.of(_runs(trace.jobs))
        self._learnt = RunTimes.learn(self._runs, -np.inf)
        self._learnt_from = 0

    def at(self, target: int) -> Known:
        """What was known as the job ``trace.jobs[target]`` was submitted."""
        asked = self._jobs[target].asked
        # Of the target's own second, the facts of earlier jobs only.
        until = (asked.submit_s, target)
        while self._next_event < len(self._events) and self._events[self._next_event] < until:
            time_s, job, kind = self._events[self._next_event]
            if time_s > self._instant_s:
                self._note_use()
                self._instant_s = time_s
            self._happen(time_s, job, _Kind(kind))
            self._next_event += 1
        self._note_use()
        return Known(
            now_s=asked.submit_s,
            target=asked,
            processors=self._processors,
            pending=tuple(self._pending.values()),
            running=tuple(self._running.values()),
            waits=Waits(**self._started.views()),
            ended=Ended(**self._ended.views()),
            runs=self._run_times(),
            _partitions=dict(self._partitions),
            _users=dict(self._users),
            _most_at_once=dict(self._most_at_once),
            _ended_of=self._ended_of,
        )

    def _happen(self, time_s: float, index: int, kind: _Kind) -> None:
        job = self._jobs[index]
        asked = job.asked
        if kind is _Kind.SUBMIT:
            self._partitions.setdefault(asked.partition, len(self._partitions))
            self._users.setdefault(asked.user, len(self._users))
            self._pending[index] = asked
        elif kind is _Kind.START:
            del self._pending[index]
            self._running[index] = Running(asked, time_s)
            self._in_use[asked.partition] += asked.procs
            self._append(self._started, asked, time_s, job.wait_s)
        elif kind is _Kind.CANCEL:
            del self._pending[index]
        else:
            del self._running[index]
            self._in_use[asked.partition] -= asked.procs
            if asked.user:  # jobs of nobody known are not all of one user
                self._ended_of[asked.user].append(len(self._ended))
            self._append(self._ended, asked, time_s, job.run_s)

    def _append(self, rows: _Rows, asked: Asked, time_s: float, took_s: float | None) -> None:
        partition, user = self._partitions[asked.partition], self._users[asked.user]
        rows.append((time_s, took_s, asked.procs, asked.limit_s, partition, user))

    def _run_times(self) -> RunTimes:
        """As of the last end whose number is a multiple of LEARN_EVERY, wherever targets lie."""
        learnt_from = len(self._ended) // LEARN_EVERY * LEARN_EVERY
        if learnt_from > self._learnt_from:
            end_s = float(self._ended.views()["end_s"][learnt_from - 1])
            # Just before: what happens in the very second may be later than a target in it.
            self._learnt = RunTimes.learn(self._runs, float(np.nextafter(end_s, -np.inf)))
            self._learnt_from = learnt_from
        return self._learnt

    def _note_use(self) -> None:
        """At the end of an instant, not within: a job may start on what another gives back."""
        for partition, processors in self._in_use.items():
            self._most_at_once[partition] = max(self._most_at_once[partition], processors)


class _Rows:
    """Columns that grow at their end. Views of them show what was there when they were made."""

    def __init__(self, room: int, times: tuple[str, str]) -> None:
        names = (*times, "procs", "limit_s")
        self._columns: dict[str, NDArray[Any]] = {}
        self._columns |= {name: np.full(room, np.nan) for name in names}
        self._columns |= {name: np.full(room, -1) for name in ("partition", "user")}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, values: tuple[float | None, ...]) -> None:
        for column, value in zip(self._columns.values(), values, strict=True):
            column[self._length] = value
        self._length += 1

    def views(self) -> dict[str, NDArray[Any]]:
        views = {name: column[: self._length] for name, column in self._columns.items()}
        for view in views.values():
            view.flags.writeable = False
        return views


def _runs(jobs: tuple[TraceJob, ...]) -> Iterator[Ran]:
    for job in jobs:
        if job.wait_s is not None:
            asked, start_s = job.asked, job.asked.submit_s + job.wait_s
            end_s = None if job.run_s is None else start_s + job.run_s
            yield Ran(
                user=asked.user,
                account=asked.group,
                name="",
                partition=asked.partition,
                procs=asked.procs,
                limit_s=asked.limit_s,
                start_s=start_s,
                end_s=end_s,
            )


def _events(jobs: tuple[TraceJob, ...]) -> Iterator[tuple[float, int, int]]:
    """(when, index of the job, kind): within one instant the facts of earlier jobs come first."""
    for index, job in enumerate(jobs):
        submit_s = job.asked.submit_s
        if job.wait_s is not None:
            start_s = submit_s + job.wait_s
            yield submit_s, index, _Kind.SUBMIT
            yield start_s, index, _Kind.START
            if job.run_s is not None:
                yield start_s + job.run_s, index, _Kind.END
        elif job.run_s is None:
            yield submit_s, index, _Kind.SUBMIT
            if job.cancelled_wait_s is not None:
                yield submit_s + job.cancelled_wait_s, index, _Kind.CANCEL
