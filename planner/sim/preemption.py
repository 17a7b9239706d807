"""Preemption: whose jobs give way to whom, in which order, and how.

Source: preempt.c, preempt_partition_prio.c and preempt_qos.c of Slurm 20.11 to 26.05, of the
exemption acct_policy.c. Not modelled: to suspend jobs, to preempt for licences, and the borrowing
of a reservation's nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planner.sim.cluster import Partition, Qos, World
from planner.sim.config import PreemptionConfig, PreemptMode, SchedulerConfig
from planner.sim.eviction import victims_of
from planner.sim.nodeset import NodeSet
from planner.sim.queue import Record
from planner.sim.state import Running, State

_MOST = 0xFFFF  # rank and node count are halves of one number in Slurm


class Preemption:
    """Who may preempt whom, as the world has it.

    ``evict(job, grace_s, requeues)`` is told which running job has to go, after how long, and
    whether to wait again. It may be told again, and must free nothing while a pass is under way.
    """

    def __init__(
        self,
        world: World,
        state: State,
        evict: Callable[[Running, float, bool], None],
        config: PreemptionConfig,
    ) -> None:
        self._config = config
        self._state = state
        self._evict = evict
        self._partitions = world.partitions
        self._qos = {qos.name: qos for qos in world.qos}
        self._no_qos = Qos("")
        self._seen: dict[tuple[str | None, str, int | None], Sequence[Running]] = {}
        self._seen_at: tuple[int, float] | None = None  # changes and time that it belongs to

    def outranks(self, first: Record, second: Record) -> bool:
        """Whether the first may preempt jobs such as the second, and so stands before it."""
        if self._config.by_qos:
            return self._qos_yields(first, second)
        nodes_of = self._state.partition_nodes
        return (
            first.partition.priority_tier > second.partition.priority_tier
            and not (self._config.by_priority and first.priority < second.priority)
            and nodes_of[first.partition.name] & nodes_of[second.partition.name] != 0
        )

    def preemptees(self, record: Record, now_s: float) -> Sequence[Running]:
        """Running jobs on nodes of the record's partition that it may preempt, the first to go
        first: the youngest, or else those of least rank (QOS priority or PriorityTier) and among
        them those on the fewest nodes.
        """
        seen_at = self._state.changes, now_s
        if self._seen_at != seen_at:
            self._seen_at = seen_at
            self._seen.clear()
        config = self._config
        asks_priority = config.by_priority or config.within_qos
        kind = record.job.qos, record.partition.name, record.priority if asks_priority else None
        if kind not in self._seen:
            mine = record.partition.nodes
            self._seen[kind] = sorted(
                (
                    one
                    for one in self._state.running.values()
                    if self._yields(record, one, now_s) and mine[one.allocation.nodes].any()
                ),
                key=self._youth if config.youngest_first else self._rank,
            )
        return self._seen[kind]

    def make_room(self, record: Record, allowed: NodeSet, now_s: float) -> bool:
        """Preempt what keeps the record from these nodes. False, and nothing is done, if it would
        not fit all the same or a limit forbids it.

        The record does not start: its nodes are still completing, or their jobs in their grace
        time. A job that did so lately preempts no others for a while.
        """
        state = self._state
        found = victims_of(
            record.need, state, self.preemptees(record, now_s), allowed, self._config
        )
        if found is None or state.limit_on(record, found.allocation) is not None:
            return False
        if now_s >= record.pending.preempts_until_s:
            record.pending.preempts_until_s = now_s + patience_s(state.config)
            for victim in found.victims:
                requeues = victim.job.requeues and self._mode(victim) is PreemptMode.REQUEUE
                self._evict(victim, self._holder(victim).grace_s, requeues)
        return True

    def is_prey(self, record: Record) -> bool:
        """Whether there is any partition or QOS whose jobs such a job would have to give way to."""
        if self._config.by_qos:
            own = record.job.qos
            return own is not None and (
                self._config.within_qos or any(own in qos.preempts for qos in self._qos.values())
            )
        nodes_of, mine = self._state.partition_nodes, record.partition
        return any(
            partition.priority_tier > mine.priority_tier
            and nodes_of[partition.name] & nodes_of[mine.name] != 0
            for partition in self._partitions
        )

    def exempt_s(self, record: Record) -> float:
        """How long the job runs at least: as the QOS of its partition says, else its own (the other
        way round with OverPartQOS), else the cluster.
        """
        own, of_partition = self._qos_of(record), self._qos.get(record.partition.qos or "")
        order = [own.exempt_s]
        if of_partition is not None:
            order.insert(1 if own.over_part_qos else 0, of_partition.exempt_s)
        return next((exempt_s for exempt_s in order if exempt_s is not None), self._config.exempt_s)

    def _yields(self, record: Record, running: Running, now_s: float) -> bool:
        config, other = self._config, running.record
        if running.gone_at_s is not None and running.gone_at_s <= now_s:
            return False  # completing
        if config.by_qos:
            yields = self._qos_yields(record, other)
        else:
            yields = other.partition.priority_tier < record.partition.priority_tier and not (
                config.by_priority and record.priority < other.priority
            )
        return (
            yields
            and self._mode(running) is not PreemptMode.OFF
            and now_s >= running.start_s + self.exempt_s(other)
        )

    def _qos_yields(self, first: Record, second: Record) -> bool:
        """Whether jobs like the second give way to the first by their QOS."""
        config, other = self._config, second.job.qos
        if other is None:
            return False
        if first.job.qos == other:
            return config.within_qos and first.priority > second.priority
        if config.by_priority and first.priority <= second.priority:
            return False
        return other in self._qos_of(first).preempts

    def _mode(self, running: Running) -> PreemptMode:
        own = self._holder(running).preempt_mode
        return self._config.mode if own is None else own

    def _holder(self, running: Running) -> Qos | Partition:
        """What sets the mode and the grace time of a job."""
        return self._qos_of(running.record) if self._config.by_qos else running.partition

    def _qos_of(self, record: Record) -> Qos:
        return self._qos.get(record.job.qos or "", self._no_qos)

    def _rank(self, running: Running) -> tuple[int, int, int]:
        record = running.record
        rank = (
            min(self._qos_of(record).priority, _MOST)
            if self._config.by_qos
            else record.partition.priority_tier
        )
        return rank, min(len(running.allocation.nodes), _MOST), record.pending.sequence

    def _youth(self, running: Running) -> tuple[float, int]:
        return -running.start_s, running.record.pending.sequence


def patience_s(config: SchedulerConfig) -> float:
    """How long a job waits for those that it preempted before it preempts more."""
    return config.kill_wait_s + config.message_timeout_s
