"""The simulated cluster: nodes as arrays, partitions as views on them, and who may use how much.

Everything here is frozen input. Times are seconds relative to the world's origin (the instant
of the snapshot is 0, earlier is negative); ``math.inf`` is unlimited, ``None`` is not set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf

import numpy as np
import numpy.typing as npt

from planner.sim.config import PreemptMode, SchedulerConfig
from planner.sim.jobs import Job

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Amounts by Slurm's names: cpu, mem (MiB), node, billing, gres/gpu (all types together) and
# gres/gpu:TYPE. A typed amount does not add to the untyped one.
Tres = Mapping[str, float]


@dataclass(frozen=True)
class Nodes:
    """All nodes of the cluster, one entry per node in every field."""

    names: tuple[str, ...]
    cpus: IntArray
    mem_mib: IntArray
    gpu_types: tuple[str, ...]  # columns of gpus; "" for devices without a type
    gpus: IntArray  # nodes x types
    weight: IntArray  # lower is used first
    features: tuple[frozenset[str], ...]
    usable_now: BoolArray  # may start a job at this instant
    usable_in_plan: BoolArray  # may be planned for later (COMPLETING, rebooting: yes; DOWN: no)

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes: dict[str, tuple[int, ...]] = {
            "cpus": self.cpus.shape,
            "mem_mib": self.mem_mib.shape,
            "gpus": self.gpus.shape[:1],
            "weight": self.weight.shape,
            "features": (len(self.features),),
            "usable_now": self.usable_now.shape,
            "usable_in_plan": self.usable_in_plan.shape,
        }
        for name, shape in shapes.items():
            if shape != (count,):
                raise ValueError(f"Nodes.{name} has shape {shape}; give one entry per {count=}")
        if self.gpus.shape != (count, len(self.gpu_types)):
            raise ValueError(
                f"Nodes.gpus has shape {self.gpus.shape}; give nodes x types,"
                f" here {(count, len(self.gpu_types))}"
            )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Place of each node by its name."""
        return {name: index for index, name in enumerate(self.names)}

    def mask(self, names: tuple[str, ...] | frozenset[str]) -> BoolArray:
        """One bool per node, true for the named ones; KeyError on a name that no node has."""
        mask = np.zeros(len(self.names), dtype=np.bool_)
        mask[[self.index_of[name] for name in names]] = True
        return mask


@dataclass(frozen=True)
class Partition:
    """A view on the node pool. Partitions may overlap."""

    name: str
    nodes: BoolArray  # mask over Nodes
    max_s: float = inf
    default_s: float | None = None  # limit of a job that names none; None: max_s
    min_nodes: int = 0
    max_nodes: float = inf
    priority_tier: int = 1
    job_factor: int = 1
    exclusive: bool = False  # OverSubscribe=EXCLUSIVE: whole nodes
    qos: str | None = None  # partition QOS: its limits come before those of the job's QOS
    up: bool = True
    allow_accounts: frozenset[str] | None = None  # None: all
    deny_accounts: frozenset[str] = frozenset()
    allow_qos: frozenset[str] | None = None
    deny_qos: frozenset[str] = frozenset()
    preempt_mode: PreemptMode | None = None  # of its jobs; None: the cluster's
    grace_s: float = 0.0  # from preemption to the end of its jobs
    # Amount of billing per unit, by TRES name (mem: per MiB). Empty: one per cpu.
    billing_weights: Tres = field(default_factory=dict)
    billing_max: bool = False  # PriorityFlags=MAX_TRES: the largest term, not the sum


@dataclass(frozen=True)
class Reservation:
    """Nodes that only its own jobs may use from start to end; maintenance is one without jobs.

    A job is in it by naming it. Who may is a matter of submission: what waits in Slurm's queue has
    been let in.
    """

    name: str
    nodes: BoolArray
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Qos:
    """Limits of one quality of service; an amount that is not named is not limited.

    ``preempts`` and what follows it count with preemption by QOS, ``exempt_s`` always.
    """

    name: str
    priority: int = 0
    usage_factor: float = 1.0
    over_part_qos: bool = False  # flag OverPartQOS: comes before the partition's QOS
    grp_tres: Tres = field(default_factory=dict)
    grp_jobs: int | None = None
    max_tres_per_job: Tres = field(default_factory=dict)
    max_tres_per_user: Tres = field(default_factory=dict)
    max_tres_per_account: Tres = field(default_factory=dict)
    max_jobs_per_user: int | None = None
    max_jobs_per_account: int | None = None
    max_wall_s: float | None = None
    exempt_s: float | None = None  # PreemptExemptTime; None: the cluster's
    preempts: frozenset[str] = frozenset()  # names of QOS
    preempt_mode: PreemptMode | None = None  # of its jobs; None: the cluster's
    grace_s: float = 0.0  # from preemption to the end of its jobs


@dataclass(frozen=True, slots=True)
class Association:
    """A node of the share tree: an account (``user`` None), or a user in an account.

    The root is the one account whose parent is None. The limits of a user come first, then
    those of each account above; ``max_*`` of an account are the defaults of its children.
    """

    account: str
    user: str | None = None
    parent: str | None = None  # parent account; of a user this is its account
    shares: int | None = 1  # None: fairshare=parent
    usage: float = 0.0  # decayed billing seconds at the origin, its children's included
    priority: int = 0
    grp_tres: Tres = field(default_factory=dict)
    grp_jobs: int | None = None
    max_jobs: int | None = None
    max_tres_per_job: Tres = field(default_factory=dict)
    max_wall_s: float | None = None


@dataclass(frozen=True)
class World:
    """One instant of a cluster: what runs, what waits, and the rules.

    ``jobs`` holds pending and running ones, and future submissions (``submit_s`` > 0). Jobs that
    tie in priority and submit time start in the order given here. An account or QOS that is not
    listed has no share, no priority and no limit. Raises ValueError on a job that names an
    unknown partition, reservation or node, or has the key of another.
    """

    nodes: Nodes
    partitions: tuple[Partition, ...]
    qos: tuple[Qos, ...] = ()
    associations: tuple[Association, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    config: SchedulerConfig = field(default_factory=SchedulerConfig)
    jobs: tuple[Job, ...] = ()
    origin_s: float = 0.0  # Unix time of the origin: Slurm's plan has its slots on round times

    def __post_init__(self) -> None:
        for partition in self.partitions:
            if partition.nodes.shape != (len(self.nodes),):
                raise ValueError(
                    f"partition {partition.name}: mask of shape {partition.nodes.shape};"
                    f" give one bool per node, here {len(self.nodes)}"
                )
        seen = set()
        for job in self.jobs:
            self.check(job)
            if job.key in seen:
                raise ValueError(f"job {job.key!r} is listed twice; give every job its own key")
            seen.add(job.key)

    @cached_property
    def _partition_names(self) -> frozenset[str]:
        return frozenset(partition.name for partition in self.partitions)

    @cached_property
    def _reservation_names(self) -> frozenset[str]:
        return frozenset(reservation.name for reservation in self.reservations)

    def check(self, job: Job) -> None:
        """Raise ValueError if the job names something that this world does not have."""
        reservations = () if job.reservation is None else (job.reservation,)
        nodes = (*job.required_nodes, *job.excluded_nodes, *(a.node for a in job.allocation))
        for kind, known, asked in (
            ("partition", self._partition_names, job.partitions),
            ("reservation", self._reservation_names, reservations),
            ("node", self.nodes.index_of, nodes),
        ):
            for name in asked:
                if name not in known:
                    raise ValueError(f"job {job.key!r} names {kind} {name!r}; not in this world")
        if not job.partitions:
            raise ValueError(f"job {job.key!r} names no partition; give at least one")
