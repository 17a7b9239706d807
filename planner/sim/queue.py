"""The pending jobs as the scheduler walks them: one record per (job, partition), sorted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from planner.sim.cluster import Partition, Tres
from planner.sim.jobs import Job
from planner.sim.limits import Check, Holder
from planner.sim.placement import Need
from planner.sim.priority import Factors


@dataclass(slots=True, eq=False)
class Pending:
    """A job from its submission until it starts or is cancelled."""

    job: Job
    sequence: int  # order of arrival: breaks ties of submit time
    held: str | None
    eligible_s: float | None = None  # None while a dependency is open
    never: str | None = None  # a dependency that can never hold
    reason: str = "None"  # the last one a pass gave, in Slurm's words
    left: bool = False  # started or cancelled; passes under way skip it
    records: tuple[Record, ...] = ()

    def not_ready(self, now_s: float) -> str | None:
        """Reason if the job is held, waits for others, or for its begin time."""
        if self.held is not None:
            return self.held
        if self.eligible_s is None:
            return self.never or "Dependency"
        return "BeginTime" if self.eligible_s > now_s else None

    @property
    def age_from_s(self) -> float | None:
        """Age accrues from eligibility on, and not while held or dependent."""
        if self.held is not None or self.eligible_s is None:
            return None
        return self.job.age_from_s if self.job.age_from_s is not None else self.eligible_s


@dataclass(slots=True, eq=False)
class Record:
    """A pending job in one of its partitions."""

    pending: Pending
    partition: Partition
    need: Need
    limit_s: float  # what the scheduler plans with
    amounts: Tres  # asked for, by TRES name
    checks: tuple[Check, ...]
    holders: tuple[Holder, ...]
    share_index: int | None  # association in the share tree
    usage_factor: float  # of the QOS: charged usage per billing second
    fixed_factors: Factors  # those that do not change while it waits
    fixed_weight: float  # their weighted sum
    never: str | None  # reason why it cannot start in this partition
    # As of the last pricing:
    priority: int = 0
    age: float = 0.0
    fair_share: float = 0.0

    @property
    def job(self) -> Job:
        return self.pending.job


@dataclass(slots=True)
class Queue:
    """All pending jobs by key, and their records in the order of SLURM's sort_job_queue2."""

    pending: dict[object, Pending] = field(default_factory=dict)
    _sorted: list[Record] | None = None

    def add(self, pending: Pending) -> None:
        self.pending[pending.job.key] = pending
        self._sorted = None

    def remove(self, pending: Pending) -> None:
        pending.left = True
        del self.pending[pending.job.key]
        self._sorted = None

    def reorder(self) -> None:
        """To be called when priorities changed."""
        self._sorted = None

    def in_order(self) -> list[Record]:
        """Jobs in a reservation first, then PriorityTier, priority, submit time, arrival."""
        if self._sorted is None:
            self._sorted = sorted(_records(self.pending.values()), key=_rank)
        return self._sorted


def _records(pending: Iterable[Pending]) -> list[Record]:
    return [record for one in pending for record in one.records]


def _rank(record: Record) -> tuple[bool, int, int, float, int]:
    job = record.pending.job
    return (
        job.reservation is None,
        -record.partition.priority_tier,
        -record.priority,
        job.submit_s,
        record.pending.sequence,
    )
