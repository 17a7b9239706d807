"""The target's partition as one pool: who holds it, who waits before the target, and the target.

As many processors are in it as are known of the partition. What waits queues in the order of
submission, the target last, and nobody comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.backtest.known import Known
from planner.sim.pool import Workload, starts_s
from planner.traces.jobs import Asked

FloatArray = npt.NDArray[np.float64]

MOMENT_S = 1.0  # until a job ends that has outlived all that is said of it


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Arrays are of one length, in the order of ``jobs``: first those that run, the target last."""

    jobs: tuple[Asked, ...]
    running: int  # so many of them
    procs: npt.NDArray[np.int64]
    limit_s: FloatArray
    age_s: FloatArray  # of a run; 0 where it waits
    room: int  # processors, free and busy

    @classmethod
    def of(cls, known: Known) -> Pool:
        partition = known.target.partition
        running = [one for one in known.running if one.asked.partition == partition]
        waiting = [job for job in known.pending if job.partition == partition]
        jobs = (*(one.asked for one in running), *waiting, known.target)
        procs = np.array([job.procs for job in jobs])
        # Who waits for more than has ever run at once shows that the pool is larger than known.
        room = max(known.capacity(partition), int(procs[len(running) :].max()))
        age_s = np.zeros(len(jobs))
        age_s[: len(running)] = [known.now_s - one.start_s for one in running]
        limit_s = np.array([job.limit_s for job in jobs])
        return cls(jobs, len(running), procs, limit_s, age_s, room)

    @property
    def starts_at_once(self) -> bool:
        """Nobody waits before the target, and there is room for it."""
        return len(self.jobs) == self.running + 1 and int(self.procs.sum()) <= self.room

    def wait_s(self, run_s: FloatArray) -> float:
        """Of the target under EASY, which plans with the limits, jobs running for ``run_s``."""
        work = Workload(
            submit_s=-self.age_s,  # seconds from now: all that wait are in the queue as it begins
            procs=self.procs,
            est_s=np.maximum(self.limit_s, self.age_s + MOMENT_S),
            run_s=run_s,
            start_s=np.where(np.arange(len(self.jobs)) < self.running, -self.age_s, np.nan),
        )
        return float(starts_s(work, self.room, until=len(self.jobs) - 1)[-1])
