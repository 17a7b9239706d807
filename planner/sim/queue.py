"""The pending jobs as the scheduler walks them: one record per (job, partition), sorted."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cmp_to_key, partial
from math import inf

from planner.sim.cluster import Partition, Tres
from planner.sim.jobs import Job
from planner.sim.limits import Check, Demand, Holder
from planner.sim.needs import Need
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
    preempts_until_s: float = -inf  # jobs make room for it; it preempts no others until then
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
    demands: tuple[Demand, ...] | None = None  # what the checks come to, once it was looked at
    number: int | None = None  # in the tables of the compiled search
    # As of the last pricing:
    priority: int = 0
    age: float = 0.0
    fair_share: float = 0.0

    @property
    def job(self) -> Job:
        return self.pending.job


@dataclass(slots=True)
class Queue:
    """All pending jobs by key, and their records in the order of SLURM's sort_job_queue2.

    ``outranks(first, second)``: whether preemption puts the first before the second.
    """

    pending: dict[object, Pending] = field(default_factory=dict)
    outranks: Callable[[Record, Record], bool] | None = None
    partitions: Counter[str] = field(default_factory=Counter)  # with the number of records in each
    _sorted: list[Record] | None = None
    _added: list[Pending] = field(default_factory=list)  # not sorted in yet

    def add(self, pending: Pending) -> None:
        self.pending[pending.job.key] = pending
        self.partitions.update(record.partition.name for record in pending.records)
        self._added.append(pending)

    def remove(self, pending: Pending) -> None:
        pending.left = True
        del self.pending[pending.job.key]
        sorted_in = self._sorted is not None and pending not in self._added
        for record in pending.records:
            name = record.partition.name
            self.partitions[name] -= 1
            if not self.partitions[name]:
                del self.partitions[name]
            if self._sorted is not None and sorted_in:
                self._sorted.remove(record)

    def reorder(self) -> None:
        """To be called when priorities changed."""
        self._sorted = None

    def in_order(self) -> list[Record]:
        """Preemptors first, then reservation, PriorityTier, priority, submit time, arrival."""
        if self._sorted is None:
            self._sorted = sorted(_records(self.pending.values()), key=_rank)
        else:
            for record in _records(one for one in self._added if not one.left):
                insort(self._sorted, record, key=_rank)
        self._added.clear()
        if self.outranks is None:
            return self._sorted.copy()
        return sorted(self._sorted, key=cmp_to_key(partial(_compare, self.outranks)))


def _records(pending: Iterable[Pending]) -> list[Record]:
    return [record for one in pending for record in one.records]


def _compare(outranks: Callable[[Record, Record], bool], first: Record, second: Record) -> int:
    """As Slurm's comparison, which is no order where preemption and priority make a circle."""
    if outranks(first, second):
        return -1
    if outranks(second, first):
        return 1
    return -1 if _rank(first) < _rank(second) else 1


def _rank(record: Record) -> tuple[bool, int, int, float, int]:
    job = record.pending.job
    return (
        job.reservation is None,
        -record.partition.priority_tier,
        -record.priority,
        job.submit_s,
        record.pending.sequence,
    )
