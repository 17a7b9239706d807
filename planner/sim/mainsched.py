"""One pass of the main scheduler: it sees the present only.

What protects a blocked job is not a plan but the partition-fail rule: the partition of a job that
has to wait for resources is closed for the rest of the pass, and all its nodes vanish from it,
also for overlapping partitions further down. Source: job_scheduler.c of Slurm 20.11 to 25.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from planner.sim.jobs import Key
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.preemption import Preemption
from planner.sim.queue import Pending, Record
from planner.sim.state import State

Start = Callable[[Record, Allocation], None]


def run_pass(
    records: Sequence[Record],
    state: State,
    now_s: float,
    depth: int | None,
    start: Start,
    *,
    preemption: Preemption | None = None,
    partitions: Collection[str] | None = None,
) -> bool:
    """Start what fits, in order; set the reason of what does not. False if depth cut it short.

    ``start`` must take the allocation from the state at once. ``depth`` None: the whole queue.
    With ``partitions``, those that the records name, the jobs of a closed one are passed over:
    their reasons stay as they were.
    A job that preempts others starts in a later pass, and in this one blocks as it would anyway.
    """
    one_pass = _Pass(state, now_s)
    preempting: set[Pending] = set()
    for record in records:
        pending = record.pending
        if pending.left or pending in preempting:
            continue
        if partitions is not None and one_pass.closed_to(record):
            if one_pass.is_over(record, partitions):
                return True
            continue
        reason = state.obstacle(record, now_s)
        if reason is not None:
            pending.reason = reason
            if state.config.assoc_limit_stop and reason.startswith("AssocGrp"):
                one_pass.close(record)
            continue
        if one_pass.skips(record):
            pending.reason = "Priority"
            continue
        if depth is not None and one_pass.tests > depth:  # as coded: one more than the parameter
            return False
        allocation = one_pass.test(record)
        if allocation is None:
            if preemption is not None and preemption.make_room(
                record, one_pass.open_to(record), now_s
            ):
                preempting.add(pending)
            pending.reason = one_pass.block(record, preempts=pending in preempting)
            continue
        limit = state.limit_on(record, allocation)
        if limit is None:
            start(record, allocation)
        else:
            pending.reason = limit
    return True


def may_reserve(record: Record, state: State, now_s: float) -> bool:
    """Whether a blocked job may hold others back: bf_min_age_reserve and bf_min_prio_reserve."""
    config = state.config
    if record.priority < config.bf_min_prio_reserve:
        return False
    eligible_s = record.pending.eligible_s
    return eligible_s is not None and now_s - eligible_s >= config.bf_min_age_reserve_s


class _Pass:
    """What is still open in one pass."""

    def __init__(self, state: State, now_s: float) -> None:
        self._state = state
        self._now_s = now_s
        self._open_nodes = state.usable_now
        self._closed: set[tuple[str, str | None]] = set()  # partition, reservation
        self._closed_to_all: set[str] = set()  # partitions
        self._rejected_arrays: set[tuple[Key, str]] = set()
        self._tests_in: Counter[str] = Counter()
        self.tests = 0

    def skips(self, record: Record) -> bool:
        """Whether the record's partition is closed, or a sibling of its array was rejected."""
        partition, job = record.partition.name, record.job
        if self.closed_to(record):
            return True
        if (job.array_id, partition) in self._rejected_arrays:
            return True
        self._tests_in[partition] += 1
        depth = self._state.config.partition_job_depth
        return 0 < depth < self._tests_in[partition]

    def closed_to(self, record: Record) -> bool:
        return (record.partition.name, record.job.reservation) in self._closed

    def is_over(self, record: Record, partitions: Collection[str]) -> bool:
        """Whether nothing can start after a record that is skipped: no job in a reservation, as
        those come first, nor any other.
        """
        return record.job.reservation is None and len(self._closed_to_all) == len(partitions)

    def test(self, record: Record) -> Allocation | None:
        self.tests += 1
        return self._state.place(record.need, self.open_to(record))

    def open_to(self, record: Record) -> NodeSet:
        return self._open_nodes & ~self._reserved(record)

    def block(self, record: Record, *, preempts: bool) -> str:
        """Reason of a job that did not fit, after closing to others what it waits for."""
        job = record.job
        if job.array_id is not None:
            self._rejected_arrays.add((job.array_id, record.partition.name))
        if (
            not preempts
            and self._reserved(record)
            and self._state.place(record.need, self._open_nodes)
        ):
            return "ReqNodeNotAvail"  # "Reserved for maintenance": blocks nobody
        if may_reserve(record, self._state, self._now_s):
            if job.required_nodes and len(job.required_nodes) >= (job.nodes or 1):
                self._open_nodes &= ~record.need.required
            else:
                self.close(record)
        return "Resources"

    def close(self, record: Record) -> None:
        """Fail the partition; its nodes go too, unless the job is confined to a reservation."""
        reservation = record.job.reservation
        self._closed.add((record.partition.name, reservation))
        if reservation is None:
            self._closed_to_all.add(record.partition.name)
            self._open_nodes &= ~self._state.partition_nodes[record.partition.name]

    def _reserved(self, record: Record) -> NodeSet:
        return self._state.reserved(record, self._now_s, self._now_s + record.limit_s)
