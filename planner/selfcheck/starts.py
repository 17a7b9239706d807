"""Planned starts: StartTime of one queue against one backfill cycle of the model.

Slurm's StartTime is what its last backfill cycle planned, so the model repeats that one cycle, at
its instant and with the jobs that were there, and simulates nothing further.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from planner.selfcheck.replay import UNPLANNED, ended_with, one_cycle, reasons_to_wait
from planner.snapshot import Facts, PendingJob, Snapshot
from tracker.slurm.hostlist import expand
from tracker.slurm.reasons import ReasonClass, classify


@dataclass(frozen=True, slots=True)
class Pair:
    """Starts of one row of the queue, in seconds from the snapshot; None: none told."""

    pending: PendingJob
    slurm_s: float | None
    cycle_s: float | None  # the same cycle in the model
    nodes: tuple[str, ...]  # planned in the model
    reason: str  # why the model does not start it at once, in Slurm's words
    is_late: bool  # submitted after the cycle
    # Another plan, had the jobs that ended in the second of the cycle still run in it.
    is_open: bool = False

    @property
    def difference_s(self) -> float | None:
        if self.slurm_s is None or self.cycle_s is None:
            return None
        return self.cycle_s - self.slurm_s

    def agrees(self, interval_s: float) -> bool | None:
        """Within one backfill interval. None: not to be compared, as one side made no plan or it
        cannot be told which plan the model has.
        """
        if self.is_open:
            return None
        if self.difference_s is not None:
            return abs(self.difference_s) <= interval_s
        if self.slurm_s is None:
            return None if self.cycle_s is None else False
        return False if self.is_plan and not self.is_late else None

    @property
    def is_plan(self) -> bool:
        """Whether Slurm holds nodes for the start that it shows."""
        return self.pending.record.scheduled_nodes is not None

    def why(self, interval_s: float) -> str:
        """Why the plans differ by more than a backfill interval, as far as it can be told."""
        if self.is_open:
            return "hangs on whether a job that ended in the second of the cycle still ran in it"
        if self.difference_s is not None:
            return "" if abs(self.difference_s) <= interval_s else self._why_apart()
        if self.slurm_s is None:
            return "" if self.cycle_s is None else "Slurm's cycle gave it none"
        if self.is_late:
            return "submitted after Slurm's last cycle"
        return f"not planned here: {self.reason}" if self.is_plan else self._why_no_plan()

    def _why_no_plan(self) -> str:
        """Why Slurm shows a time for which it holds no nodes."""
        record = self.pending.record
        if record.start_at == record.eligible_at:
            return "its begin time, not a plan"
        if classify(record.reason) is ReasonClass.OWN_JOBS:
            return f"{record.reason}: shown without nodes, as the limit is checked after the time"
        return "beyond bf_window: shown without nodes"

    def _why_apart(self) -> str:
        try:
            theirs = set(expand(self.pending.record.scheduled_nodes or ""))
        except ValueError:
            theirs = set()
        if not theirs:
            return "shown without nodes"
        return "the same nodes at another time" if theirs == set(self.nodes) else "other nodes"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over the rows that can be compared; times over those that both planned."""

    rows: int
    both: int
    within_interval: float
    median_abs_s: float


def compare(facts: Facts, snapshot: Snapshot, cycle_at: datetime | None) -> list[Pair]:
    """One pair a row of the queue, an array's waiting tasks being one, by the first of them.

    ``snapshot`` is that of the facts. Without the instant of the cycle, that of the queue serves.
    """
    cycle_at = cycle_at or facts.taken_at
    cycle = one_cycle(facts, cycle_at)
    other = one_cycle(facts, cycle_at, last_ran=True) if ended_with(facts, cycle_at) else cycle
    interval_s = snapshot.world.config.bf_interval_s
    reasons = reasons_to_wait(snapshot.world)
    shift_s = (cycle_at - facts.taken_at).total_seconds()
    pairs: dict[int, Pair] = {}
    for pending in snapshot.pending:
        record = pending.record
        planned = cycle.get(pending.key, UNPLANNED)
        slurm_at = record.start_at
        pair = Pair(
            pending,
            slurm_s=None if slurm_at is None else (slurm_at - facts.taken_at).total_seconds(),
            cycle_s=None if planned.start_s is None else planned.start_s + shift_s,
            nodes=planned.nodes,
            reason=reasons.get(pending.key, pending.held or "None"),
            is_late=record.submit_at is not None and record.submit_at > cycle_at,
            is_open=planned.is_apart(other.get(pending.key, UNPLANNED), interval_s),
        )
        known = pairs.setdefault(record.job_id, pair)
        # As coded, an array's row shows the start of the task that was planned last.
        if pair.cycle_s is not None and (known.cycle_s is None or pair.cycle_s > known.cycle_s):
            pairs[record.job_id] = pair
    return list(pairs.values())


def explained(pairs: Iterable[Pair], interval_s: float) -> dict[str, str]:
    """By key, why the plans of a row differ; "" where they do not.

    Nodes that one job gets in the model and not in Slurm move all behind it, so these are told of
    the first in their partitions that differs.
    """
    first: dict[str, str] = {}
    told: dict[str, str] = {}
    for pair in sorted(pairs, key=in_order):
        key, partitions = pair.pending.key, pair.pending.record.partitions
        why = pair.why(interval_s)
        if pair.agrees(interval_s) is False:
            before = next((first[name] for name in partitions if name in first), None)
            why += "" if before is None else f"; behind job {before}, the first to differ"
            for name in partitions:
                first.setdefault(name, key)
        told[key] = why
    return told


def in_order(pair: Pair) -> tuple[tuple[str, ...], int]:
    """Sort key: by partition, and there in the order of the queue's priorities."""
    return pair.pending.record.partitions, -(pair.pending.record.priority or 0)


def agreement(pairs: Iterable[Pair], interval_s: float) -> Agreement | None:
    """None where no row has both."""
    pairs = [pair for pair in pairs if not pair.is_open]
    gaps_s = [abs(pair.difference_s) for pair in pairs if pair.difference_s is not None]
    if not gaps_s:
        return None
    return Agreement(
        rows=len(pairs),
        both=len(gaps_s),
        within_interval=sum(gap_s <= interval_s for gap_s in gaps_s) / len(gaps_s),
        median_abs_s=median(gaps_s),
    )
