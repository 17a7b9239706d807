"""One pass of the main scheduler: it sees the present only.

What protects a blocked job is not a plan but the partition-fail rule: the partition of a job that
has to wait for resources is closed for the rest of the pass, and all its nodes vanish from it,
also for overlapping partitions further down. Source: job_scheduler.c of Slurm 20.11 to 25.11.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from planner.sim.jobs import Key
from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.preemption import Preemption
from planner.sim.queue import Pending, Record
from planner.sim.state import State

Start = Callable[[Record, Allocation], None]
Place = Callable[[Need, NodeSet], Allocation | None]

_LIMITS = ("Assoc", "QOS", "Max")  # how the reasons of limits begin, which take a look to find


def run_pass(
    records: Sequence[Record],
    state: State,
    now_s: float,
    depth: int | None,
    start: Start,
    *,
    preemption: Preemption | None = None,
    partitions: Collection[str] | None = None,
    place: Place | None = None,
) -> Callable[[], bool]:
    """Start what fits, in order; set the reason of what does not. Answers a question to ask while
    nothing has changed: whether depth left the pass whole, and did not cut it short.

    ``start`` must take the allocation from the state at once. ``depth``: how many jobs it looks at,
    those of closed partitions included, and as coded one more; None: the whole queue.
    With ``partitions``, those that the records name, only starts are wanted: jobs that cannot
    start, whatever a look at them finds, are passed over, and their reasons stay as they were.
    ``place``: what to ask in place of ``State.place``, for the same answers.
    A job that preempts others starts in a later pass, and in this one blocks as it would anyway.
    """
    one_pass = _Pass(state, now_s, place or state.place)
    preempting: set[Pending] = set()
    rest = iter(records)
    for record in rest:
        pending = record.pending
        if pending.left or pending in preempting:
            continue
        if depth is not None and one_pass.looks > depth:
            return lambda: False
        if partitions is not None and one_pass.passes_over(record, partitions):
            one_pass.pass_over(record, state.obstacle_but_limits(record, now_s))
            if one_pass.is_over:
                return lambda: depth is None or one_pass.counts(rest, depth)
            continue
        reason = state.obstacle(record, now_s)
        if reason is not None:
            pending.reason = reason
            one_pass.pass_over(record, reason)
            continue
        if not one_pass.looks_at(record) or one_pass.closed_to(record):
            pending.reason = "Priority"
            continue
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
            one_pass.accept(record)
        else:
            pending.reason = limit
    return lambda: True


def may_reserve(record: Record, state: State, now_s: float) -> bool:
    """Whether a blocked job may hold others back: bf_min_age_reserve and bf_min_prio_reserve."""
    config = state.config
    if record.priority < config.bf_min_prio_reserve:
        return False
    eligible_s = record.pending.eligible_s
    return eligible_s is not None and now_s - eligible_s >= config.bf_min_age_reserve_s


class _Pass:
    """What is still open in one pass."""

    def __init__(self, state: State, now_s: float, place: Place) -> None:
        self._state = state
        self._place = place
        self._now_s = now_s
        self._open_nodes = state.usable_now
        self._closed: set[tuple[str, str | None]] = set()  # partition, reservation
        self._closed_to_all: set[str] = set()  # partitions
        self._rejected_arrays: set[tuple[Key, str]] = set()
        self._looks_in: Counter[str] = Counter()  # by partition
        self.looks = 0
        self.is_over = False  # nothing more can start
        self._over_at: tuple[int, int, NodeSet] | None = None  # what that was found for

    def looks_at(self, record: Record) -> bool:
        """Count a look at the record. False if it gets none: it is of an array whose last task in
        this partition did not start, or the partition has had its share.
        """
        partition, array_id = record.partition.name, record.job.array_id
        if array_id is not None:
            if (array_id, partition) in self._rejected_arrays:
                return False
            self._rejected_arrays.add((array_id, partition))
        self._looks_in[partition] += 1
        if 0 < self._state.config.partition_job_depth < self._looks_in[partition]:
            return False
        self.looks += 1
        return True

    def pass_over(self, record: Record, reason: str | None) -> None:
        """What a job that may not start means to those below it. ``reason`` is None of one that is
        only in a closed partition: like one that a limit keeps it costs a look.
        """
        if reason is None:
            self.looks_at(record)
        elif reason == record.never:
            if reason == "ReqNodeNotAvail" and self._lacks_nodes(record):
                self._close_partition(record.partition.name)
        elif reason.startswith(_LIMITS):
            self.looks_at(record)
            if self._state.config.assoc_limit_stop and reason.startswith("AssocGrp"):
                self.close(record)

    def accept(self, record: Record) -> None:
        """The record started, so the next task of its array gets a look, too."""
        if record.job.array_id is not None:
            self._rejected_arrays.discard((record.job.array_id, record.partition.name))

    def closed_to(self, record: Record) -> bool:
        return (record.partition.name, record.job.reservation) in self._closed

    def passes_over(self, record: Record, partitions: Collection[str]) -> bool:
        """Whether a look at the record would start nothing."""
        at = self._state.room.moves, len(self._closed), self._open_nodes
        if self._over_at != at:
            self._over_at = at
            self.is_over = not self._open_nodes & self._state.free_nodes or (
                record.job.reservation is None  # so of all below, too: those in one come first
                and all(name in self._closed_to_all for name in partitions)
            )
        return self.is_over or self.closed_to(record)

    def counts(self, rest: Iterable[Record], depth: int) -> bool:
        """Count the looks at the rest, none of which starts; whether depth leaves them all. When
        the next pass is depends on that.
        """
        for record in rest:
            if record.pending.left:
                continue
            if self.looks > depth:
                return False
            self.pass_over(record, self._state.obstacle_but_limits(record, self._now_s))
        return True

    def test(self, record: Record) -> Allocation | None:
        return self._place(record.need, self.open_to(record))

    def open_to(self, record: Record) -> NodeSet:
        return self._open_nodes & ~self._reserved(record)

    def block(self, record: Record, *, preempts: bool) -> str:
        """Reason of a job that did not fit, after closing to others what it waits for."""
        job = record.job
        if self._lacks_nodes(record):
            self._close_partition(record.partition.name)
            return "Resources"
        reason = "Resources"
        if not preempts and self._is_unavailable(record):
            reason = "ReqNodeNotAvail"
        if job.required_nodes and len(job.required_nodes) >= job.min_nodes:
            self._open_nodes &= ~record.need.required
        elif reason == "Resources" and may_reserve(record, self._state, self._now_s):
            self.close(record)
        return reason

    def close(self, record: Record) -> None:
        """Fail the partition; its nodes go too, unless the job is confined to a reservation."""
        reservation = record.job.reservation
        if reservation is None:
            self._close_partition(record.partition.name)
        else:
            self._closed.add((record.partition.name, reservation))

    def _close_partition(self, name: str) -> None:
        self._closed.add((name, None))
        self._closed_to_all.add(name)
        self._open_nodes &= ~self._state.partition_nodes[name]

    def _lacks_nodes(self, record: Record) -> bool:
        """Whether so few nodes of its partition work, and are not in a closed one, that no look at
        what they have free is needed: that closes the partition, whatever else holds.
        """
        left = self._open_nodes & self._state.partition_nodes[record.partition.name]
        return left.bit_count() < record.job.min_nodes

    def _is_unavailable(self, record: Record) -> bool:
        """Whether the nodes open to the job are too few even idle, and none of them is held whole:
        it waits for other than jobs, so it blocks nobody. Source: runable_avail and nodes_busy of
        _pick_best_nodes, node_scheduler.c.
        """
        need, allowed = record.need, self.open_to(record)
        if self._state.could_fit(need, allowed):
            return False
        candidates = need.grain.nodes & allowed
        return not any(
            running.allocation.node_set & candidates
            for running in self._state.running.values()
            if need.grain.whole_nodes or running.record.need.grain.whole_nodes
        )

    def _reserved(self, record: Record) -> NodeSet:
        return self._state.reserved(record, self._now_s, self._now_s + record.limit_s)
