"""Many waiting jobs as columns, and some of them counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.moves.look import Waiting
from planner.sim.cluster import BoolArray, IntArray

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """Waiting jobs in one order."""

    partitions: tuple[frozenset[str], ...]
    user: tuple[str, ...]
    rank: IntArray  # higher goes first; -1: not known, and so never ahead
    work_cpu_s: FloatArray

    @classmethod
    def of(cls, jobs: Iterable[Waiting]) -> Crowd:
        jobs = list(jobs)
        return cls(
            tuple(job.partitions for job in jobs),
            tuple(job.user for job in jobs),
            np.array([job.rank for job in jobs], dtype=np.int64),
            np.array([job.work_cpu_s for job in jobs], dtype=np.float64),
        )

    def within(self, partitions: frozenset[str]) -> Some:
        """Those that may start in one of the partitions."""
        may = [not partitions.isdisjoint(own) for own in self.partitions]
        return Some(self, np.array(may, dtype=np.bool_))


@dataclass(frozen=True, slots=True, eq=False)
class Some:
    """Those of a crowd that the mask says."""

    crowd: Crowd
    mask: BoolArray

    def where(self, mask: BoolArray) -> Some:
        return Some(self.crowd, self.mask & mask)

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def work_cpu_s(self) -> float:
        return float(self.crowd.work_cpu_s[self.mask].sum())

    def of_user(self, user: str) -> int:
        return sum(self.crowd.user[place] == user for place in np.flatnonzero(self.mask))
