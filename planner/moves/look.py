"""What one forecast knew: the queue, the machine, and the starts that it told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from planner.sim.cluster import Association, Partition, World
from planner.sim.jobs import Job
from planner.snapshot import PendingJob, Snapshot

DAY_S = 86_400.0
TIER = 2**32  # Slurm's priorities are below: a tier comes before every priority


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job or array task that waits and that nothing but its turn holds up."""

    job_id: int  # Slurm's raw id: that of the array until the task is split off
    user: str
    account: str
    partitions: frozenset[str]
    rank: int  # tier, then priority; higher goes first; -1: not known
    work_cpu_s: float  # the most that it can take of the machine, of a day
    request: tuple[Any, ...]  # changes when its user or an administrator changes it


@dataclass(frozen=True, slots=True)
class Running:
    partition: str
    cpus: int
    ends_at_s: float  # expected, else its limit; Unix time

    def work_cpu_s(self, from_s: float, until_s: float) -> float:
        return self.cpus * min(DAY_S, max(0.0, until_s - from_s))


@dataclass(frozen=True, slots=True)
class Look:
    """The facts of one forecast, and the starts that it told, by Slurm's raw job id."""

    taken_at: datetime
    starts: Mapping[int, datetime]
    waiting: Mapping[str, Waiting]  # by key: an array has one for each task
    running: Mapping[str, Running]
    ends_are_limits: bool
    nodes_in_service: Mapping[str, frozenset[str]]  # by partition
    rivals: Mapping[str, frozenset[str]]  # by partition: those that share nodes with it
    reserved: Mapping[str, frozenset[str]]  # names of reservations by partition
    cpus_of: Mapping[str, int]  # by node
    usage: Mapping[tuple[str, str | None], float]  # of the whole cluster's, by account and user

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        starts: Mapping[int, datetime],
        ends: Mapping[str, datetime] | None = None,
    ) -> Look:
        """``starts``: the middle estimates told, by raw id, without those that have none. ``ends``:
        when running jobs are expected to end, by key; those not in it at their limits."""
        world, origin_s = snapshot.world, snapshot.taken_at.timestamp()
        partitions = {partition.name: partition for partition in world.partitions}
        return cls(
            taken_at=snapshot.taken_at,
            starts=starts,
            waiting={
                pending.key: _waiting(pending, partitions)
                for pending in snapshot.pending
                if pending.held is None
            },
            running={
                str(job.key): _running(job, partitions, origin_s, ends or {})
                for job in world.jobs
                if job.start_s is not None
            },
            ends_are_limits=ends is None,
            nodes_in_service={
                name: frozenset(_named(world, p.nodes & world.nodes.usable_in_plan))
                for name, p in partitions.items()
            },
            rivals=_rivals(world.partitions),
            reserved={
                name: frozenset(r.name for r in world.reservations if (r.nodes & p.nodes).any())
                for name, p in partitions.items()
            },
            cpus_of=dict(zip(world.nodes.names, world.nodes.cpus.tolist(), strict=True)),
            usage=_usage(world.associations),
        )


def _waiting(pending: PendingJob, partitions: Mapping[str, Partition]) -> Waiting:
    record = pending.record
    tiers = [partitions[name].priority_tier for name in record.partitions if name in partitions]
    limit_s = DAY_S if record.limit_minutes is None else record.limit_minutes * 60
    return Waiting(
        job_id=record.job_id,
        user=record.user,
        account=record.account or "",
        partitions=frozenset(record.partitions),
        rank=-1 if record.priority is None else max(tiers, default=0) * TIER + record.priority,
        work_cpu_s=(record.cpus or 1) * min(limit_s, DAY_S),
        request=(
            *(record.partitions, record.qos, record.account, record.limit_minutes),
            *(record.node_count, record.cpus, record.mem_mib, record.features),
            *(record.eligible_at, record.dependency, record.reservation, record.required_nodes),
        ),
    )


def _running(
    job: Job, partitions: Mapping[str, Partition], origin_s: float, ends: Mapping[str, datetime]
) -> Running:
    expected = ends.get(str(job.key))
    if expected is None:
        limit_s = partitions[job.partitions[0]].max_s if job.limit_s is None else job.limit_s
        ends_at_s = origin_s + (job.start_s or 0.0) + limit_s
    else:
        ends_at_s = expected.timestamp()
    return Running(job.partitions[0], sum(share.cpus for share in job.allocation), ends_at_s)


def _named(world: World, mask: np.ndarray[Any, np.dtype[np.bool_]]) -> list[str]:
    return [world.nodes.names[index] for index in np.flatnonzero(mask)]


def _rivals(partitions: tuple[Partition, ...]) -> dict[str, frozenset[str]]:
    return {
        one.name: frozenset(
            other.name
            for other in partitions
            if other.name == one.name or (other.nodes & one.nodes).any()
        )
        for one in partitions
    }


def _usage(associations: tuple[Association, ...]) -> dict[tuple[str, str | None], float]:
    in_all = max((a.usage for a in associations), default=0.0)
    return {(a.account, a.user): a.usage / in_all for a in associations if in_all > 0}
