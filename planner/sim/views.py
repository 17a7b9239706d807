"""What a simulation shows of itself: frozen copies, safe to keep."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.sim.cluster import Association, Nodes
from planner.sim.jobs import Job, NodeShare
from planner.sim.occupancy import Allocation, shares_of
from planner.sim.outlook import Planned
from planner.sim.pricing import Pricing
from planner.sim.priority import Factors
from planner.sim.queue import Pending, Record
from planner.sim.state import Running, State


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A pending job in one of its partitions: a line of squeue, of sprio and of squeue --start."""

    job: Job
    partition: str
    priority: int  # 0 while held
    factors: Factors
    reason: str  # in Slurm's words
    eligible_s: float | None
    planned_start_s: float | None  # of the last backfill cycle; None: no plan for it
    planned_nodes: tuple[str, ...]
    never: bool  # cannot start by waiting


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What a job holds, by names once someone asks: most who are told of a job never do."""

    amounts: Allocation
    nodes: Nodes  # of the cluster

    @property
    def shares(self) -> tuple[NodeShare, ...]:
        return shares_of(self.amounts, self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self.shares == other.shares

    __hash__ = None  # type: ignore[assignment]  # as shares have none


@dataclass(frozen=True, slots=True)
class RunningJob:
    job: Job
    partition: str
    start_s: float
    limit_s: float
    held: Held
    priority: int  # as it started; 0 if it ran at the origin
    reason: str  # why it waited, as far as a pass told last

    @property
    def allocation(self) -> tuple[NodeShare, ...]:
        return self.held.shares


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that is over; ``start_s`` None and no allocation if it was cancelled while pending."""

    job: Job
    partition: str
    start_s: float | None
    end_s: float
    held: Held | None
    cancelled: bool = False
    evicted: bool = False  # preempted, or its node failed

    @property
    def allocation(self) -> tuple[NodeShare, ...]:
        return () if self.held is None else self.held.shares


@dataclass(frozen=True, slots=True)
class NodeUse:
    """What jobs hold of one node now."""

    name: str
    cpus: int
    mem_mib: int
    gpus: dict[str, int]
    jobs: int


@dataclass(frozen=True, slots=True)
class ShareUse:
    """One line of sshare; usage is decayed billing seconds as of the last calc period."""

    association: Association
    usage: float
    level_fs: float
    fair_share: float | None  # None for an account


def waiting(record: Record, planned: Planned | None, nodes: Nodes) -> WaitingJob:
    pending = record.pending
    return WaitingJob(
        job=pending.job,
        partition=record.partition.name,
        priority=record.priority,
        factors=replace(record.fixed_factors, age=record.age, fair_share=record.fair_share),
        reason=pending.reason,
        eligible_s=pending.eligible_s,
        planned_start_s=None if planned is None else planned.start_s,
        planned_nodes=() if planned is None else tuple(nodes.names[i] for i in planned.nodes),
        never=not can_start(pending),
    )


def can_start(pending: Pending) -> bool:
    """Whether waiting alone may start the job: not held, and not refused for good."""
    if pending.held is not None or pending.never is not None:
        return False
    return any(record.never is None and record.partition.up for record in pending.records)


def running(one: Running, nodes: Nodes) -> RunningJob:
    return RunningJob(
        one.job,
        one.partition.name,
        one.start_s,
        one.limit_s,
        Held(one.allocation, nodes),
        one.record.priority,
        one.record.pending.reason,
    )


def ended(one: Running, end_s: float, nodes: Nodes, *, cancelled: bool, evicted: bool) -> EndedJob:
    held = Held(one.allocation, nodes)
    return EndedJob(one.job, one.partition.name, one.start_s, end_s, held, cancelled, evicted)


def node_use(state: State) -> list[NodeUse]:
    nodes, room = state.nodes, state.room
    used_gpus = nodes.gpus - room.gpus
    return [
        NodeUse(
            name,
            int(nodes.cpus[i] - room.cpus[i]),
            int(nodes.mem_mib[i] - room.mem_mib[i]),
            dict(zip(nodes.gpu_types, used_gpus[i].tolist(), strict=True)),
            int(room.jobs[i]),
        )
        for i, name in enumerate(nodes.names)
    ]


def share_use(pricing: Pricing) -> list[ShareUse]:
    tree = pricing.shares
    return [
        ShareUse(a, float(usage), level_fs, None if a.user is None else factor)
        for a, usage, level_fs, factor in zip(
            tree.associations, tree.usage, tree.level_fs(), pricing.fair_share, strict=True
        )
    ]
