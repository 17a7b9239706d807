"""The pending jobs as the scheduler walks them: one record per (job, partition), sorted."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cmp_to_key, partial
from math import inf
from operator import attrgetter

from planner.sim.cluster import Partition, Tres
from planner.sim.jobs import Job
from planner.sim.limits import Check, Demand, Holder
from planner.sim.needs import Need
from planner.sim.priority import Factors

_PRIORITY = attrgetter("priority")
_GONE = 32  # so many leave before the lists are made anew, or a part of those that are left:
_GONE_PART = 1 / 16


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
    _groups: dict[tuple[bool, int], list[Record]] = field(default_factory=dict)  # by arrival
    _sorted: list[Record] | None = None
    _added: list[Pending] = field(default_factory=list)  # not sorted in yet
    _gone: int = 0  # records that are still in these lists

    def add(self, pending: Pending) -> None:
        self.pending[pending.job.key] = pending
        self.partitions.update(record.partition.name for record in pending.records)
        self._added.append(pending)

    def remove(self, pending: Pending) -> None:
        pending.left = True
        del self.pending[pending.job.key]
        for record in pending.records:
            name = record.partition.name
            self.partitions[name] -= 1
            if not self.partitions[name]:
                del self.partitions[name]
        self._gone += len(pending.records)

    def reorder(self) -> None:
        """To be called when priorities changed."""
        self._sorted = None

    def in_order(self) -> list[Record]:
        """Preemptors first, then reservation, PriorityTier, priority, submit time, arrival."""
        self._drop_gone()
        return self.for_pass()

    def for_pass(self) -> list[Record]:
        """The same, maybe with a few that have left: a pass skips those anyway."""
        gone_at_most = max(_GONE, _GONE_PART * len(self.pending))
        if self._gone > gone_at_most or self.outranks is not None:
            self._drop_gone()
        for record in _records(one for one in self._added if not one.left):
            group = record.job.reservation is None, -record.partition.priority_tier
            insort(self._groups.setdefault(group, []), record, key=_by_arrival)
            if self._sorted is not None:
                insort(self._sorted, record, key=_rank)
        self._added.clear()
        if self._sorted is None:
            self._sorted = []
            for group in sorted(self._groups):  # sorting a list anew keeps the order of equals
                self._sorted += sorted(self._groups[group], key=_PRIORITY, reverse=True)
        if self.outranks is None:
            return self._sorted.copy()
        return sorted(self._sorted, key=cmp_to_key(partial(_compare, self.outranks)))

    def _drop_gone(self) -> None:
        if not self._gone:
            return
        self._gone = 0
        self._groups = {group: _still_here(known) for group, known in self._groups.items()}
        if self._sorted is not None:
            self._sorted = _still_here(self._sorted)


def _still_here(records: list[Record]) -> list[Record]:
    return [record for record in records if not record.pending.left]


def _records(pending: Iterable[Pending]) -> list[Record]:
    return [record for one in pending for record in one.records]


def _by_arrival(record: Record) -> tuple[float, int]:
    return record.pending.job.submit_s, record.pending.sequence


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
