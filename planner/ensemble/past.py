"""What history tells the replicas of a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.arrivals import FutureJobs
from planner.runtimes import AskedRun, RunTimes
from planner.sim.cluster import World
from planner.sim.jobs import Job, Key


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """Nothing known: every job runs to its limit, and nothing else arrives.

    ``asked`` names the jobs of the world whose run time is drawn; the others run to their limits.
    """

    runs: RunTimes | None = None
    arrivals: FutureJobs | None = None
    asked: Mapping[Key, AskedRun] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return self.runs is None and self.arrivals is None


def asked_run(job: Job, world: World, name: str = "") -> AskedRun:
    """The job as history is asked about it, in the first of its partitions."""
    return AskedRun(
        user=job.user,
        account=job.account,
        name=name,
        partition=job.partitions[0],
        procs=float(job.cpus),
        limit_s=limit_s_of(job.limit_s, job.partitions[0], world),
    )


def limit_s_of(limit_s: float | None, partition: str, world: World) -> float:
    """The limit, or else the partition's default or maximum; infinite: none."""
    if limit_s is not None:
        return limit_s
    of = next(one for one in world.partitions if one.name == partition)
    return of.max_s if of.default_s is None else of.default_s
