"""Jobs that ran or run, as columns in the order of their starts."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from planner.runtimes.alike import LIKENESS, SWEEP, Codes, Groups, IntArray, Words, stem
from planner.runtimes.samples import FloatArray


@dataclass(frozen=True, slots=True)
class AskedRun:
    """A job whose run time is wanted. "" is unknown; ``limit_s`` is inf where it has none."""

    user: str
    account: str
    name: str
    partition: str
    procs: float
    limit_s: float


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that ran or runs; times in seconds of one origin, any."""

    user: str
    account: str
    name: str
    partition: str
    procs: float
    limit_s: float
    start_s: float
    end_s: float | None  # None: runs still


@dataclass(frozen=True, slots=True, eq=False)
class PastRuns:
    """Rows of jobs, oldest start first, and which of them are alike.

    Made once for a whole log: ``RunTimes.learn`` sees of it what was known at its instant.
    """

    start_s: FloatArray
    end_s: FloatArray  # inf: runs still
    limit_s: FloatArray  # inf: unlimited
    sweep: IntArray  # the same for jobs of one sweep, NONE: of nobody known
    _words: Words
    _levels: tuple[Groups, ...]  # as LIKENESS

    @classmethod
    def of(cls, rows: Iterable[Ran]) -> PastRuns:
        """The rows may come in any order."""
        ordered = sorted(rows, key=lambda row: row.start_s)
        ends = [math.inf if row.end_s is None else row.end_s for row in ordered]
        words = Words()
        codes = _coded(words.learn, ordered)
        start_s = np.array([row.start_s for row in ordered], dtype=np.float64)
        levels = tuple(Groups.of(codes, likeness, start_s) for likeness in LIKENESS)
        return cls(
            start_s=start_s,
            end_s=np.array(ends, dtype=np.float64),
            limit_s=np.array([max(1.0, row.limit_s) for row in ordered], dtype=np.float64),
            sweep=levels[SWEEP].find(codes),
            _words=words,
            _levels=levels,
        )

    def __len__(self) -> int:
        return len(self.start_s)

    def groups_of(self, jobs: Sequence[AskedRun]) -> IntArray:
        """(jobs, levels): the group of each job in each level of LIKENESS, NONE for none."""
        codes = _coded(self._words.look_up, jobs)
        return np.stack([groups.find(codes) for groups in self._levels], axis=1)

    def rows_of(self, level: int, group: int, now_s: float) -> IntArray:
        """Rows of that group which had started by then, oldest start first."""
        return self._levels[level].started(group, now_s)


class _Coding(Protocol):
    def __call__(self, column: str, words: Iterable[Hashable]) -> IntArray: ...


def _coded(code: _Coding, jobs: Sequence[Ran] | Sequence[AskedRun]) -> Codes:
    sweeps = [(stem(job.name), job.partition, job.procs, job.limit_s) for job in jobs]
    return {
        "user": code("user", (job.user for job in jobs)),
        "account": code("account", (job.account for job in jobs)),
        "name": code("name", (sweep[0] for sweep in sweeps)),
        "sweep": code("sweep", sweeps),
        "partition": code("partition", (job.partition for job in jobs)),
        "procs": code("procs", (job.procs for job in jobs)),
        "limit": code("limit", (job.limit_s for job in jobs)),
    }
