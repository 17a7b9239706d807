"""Our plan beside Slurm's own: StartTime of one queue against one backfill cycle of the model.

Slurm's StartTime is what its last backfill cycle planned, so the model repeats that one cycle, at
its instant and with the jobs that were there, and simulates nothing further. The simulated start
stands beside both: it lets jobs end, cycles follow and limits clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from planner.sim.engine import Simulation
from planner.snapshot import Facts, PendingJob, build
from tracker.slurm.client import Slurm
from tracker.slurm.errors import SlurmError
from tracker.slurm.reasons import ReasonClass, classify
from tracker.slurm.records import QueuedJob


@dataclass(frozen=True, slots=True)
class Pair:
    """Starts of one row of the queue, in seconds from the snapshot; None: none told."""

    pending: PendingJob
    slurm_s: float | None
    cycle_s: float | None  # the same cycle in the model
    start_s: float | None  # the simulated start
    reason: str  # why the model's cycle gave none, in Slurm's words

    @property
    def difference_s(self) -> float | None:
        if self.slurm_s is None or self.cycle_s is None:
            return None
        return self.cycle_s - self.slurm_s

    def why(self, interval_s: float) -> str:
        """Why the plans differ by more than a backfill interval, as far as it can be told."""
        if self.difference_s is not None:
            return "" if abs(self.difference_s) <= interval_s else "other nodes or another order"
        if self.slurm_s is None:
            return "" if self.cycle_s is None else "Slurm's cycle gave it none"
        record = self.pending.record
        if record.scheduled_nodes is not None:
            return f"not planned here: {self.reason}"
        if record.start_at == record.eligible_at:
            return "its begin time, not a plan"
        if classify(record.reason) is ReasonClass.OWN_JOBS:
            return f"{record.reason}: shown without nodes, as the limit is checked after the time"
        return "beyond bf_window: shown without nodes"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Over the rows that both planned."""

    rows: int
    both: int
    within_interval: float
    median_abs_s: float


def last_cycle_at(slurm: Slurm, taken_at: datetime) -> datetime:
    """When Slurm's last backfill cycle began; the snapshot's own time where sdiag does not tell."""
    try:
        began_at = slurm.diagnostics().last_backfill_at
    except SlurmError:
        return taken_at
    return taken_at if began_at is None else min(began_at, taken_at)


def compare(
    facts: Facts, starts: Iterable[tuple[PendingJob, float | None]], cycle_at: datetime
) -> list[Pair]:
    """One pair a row of the queue, an array's waiting tasks being one, by the first of them."""
    cycle = _one_cycle(facts, cycle_at)
    shift_s = (cycle_at - facts.taken_at).total_seconds()
    pairs: dict[int, Pair] = {}
    for pending, start_s in starts:
        record = pending.record
        planned_s, reason = cycle.get(pending.key, (None, "submitted after Slurm's last cycle"))
        slurm_at = record.start_at
        pair = Pair(
            pending,
            slurm_s=None if slurm_at is None else (slurm_at - facts.taken_at).total_seconds(),
            cycle_s=None if planned_s is None else planned_s + shift_s,
            start_s=start_s,
            reason=reason,
        )
        known = pairs.setdefault(record.job_id, pair)
        # As coded, an array's row shows the start of the task that was planned last.
        if pair.cycle_s is not None and (known.cycle_s is None or pair.cycle_s > known.cycle_s):
            pairs[record.job_id] = pair
    return list(pairs.values())


def _one_cycle(facts: Facts, cycle_at: datetime) -> dict[str, tuple[float | None, str]]:
    """Planned start and reason by key, after one backfill cycle and nothing else."""
    world = build(
        replace(facts, taken_at=cycle_at, queue=list(_as_of(facts.queue, cycle_at)))
    ).world
    simulation = Simulation(replace(world, config=replace(world.config, main_interval_s=0)))
    simulation.run(0.0)
    planned = {str(running.job.key): (0.0, "") for running in simulation.running()}
    found: dict[str, tuple[float | None, str]] = dict(planned)
    for waiting in simulation.queue():
        key = str(waiting.job.key)
        known_s = found.get(key, (None, ""))[0]
        start_s = waiting.planned_start_s
        if start_s is None or (known_s is not None and known_s <= start_s):
            start_s = known_s
        found[key] = (start_s, waiting.reason)
    return found


def _as_of(queue: Iterable[QueuedJob], cycle_at: datetime) -> Iterator[QueuedJob]:
    """The queue as the cycle met it: no later jobs, and those that it started still waiting."""
    for row in queue:
        if row.submit_at is not None and row.submit_at > cycle_at:
            continue
        if row.state == "RUNNING" and row.start_at is not None and row.start_at >= cycle_at:
            yield replace(row, state="PENDING", start_at=None, node_list=None)
        else:
            yield row


def agreement(pairs: Iterable[Pair], interval_s: float) -> Agreement | None:
    """None where no row has both."""
    pairs = list(pairs)
    gaps_s = [abs(pair.difference_s) for pair in pairs if pair.difference_s is not None]
    if not gaps_s:
        return None
    return Agreement(
        rows=len(pairs),
        both=len(gaps_s),
        within_interval=sum(gap_s <= interval_s for gap_s in gaps_s) / len(gaps_s),
        median_abs_s=median(gaps_s),
    )
