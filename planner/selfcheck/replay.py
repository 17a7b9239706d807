"""What the model says of the instant of the queue: one backfill cycle, and one main pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.snapshot import Facts, build
from tracker.slurm.records import QueuedJob
from tracker.slurm.states import FINAL_STATES


@dataclass(frozen=True, slots=True)
class Planned:
    start_s: float | None  # from the cycle on; None: no plan for it
    nodes: tuple[str, ...]

    def is_apart(self, other: Planned, interval_s: float) -> bool:
        """Whether the starts differ by more than the interval."""
        if self.start_s is None or other.start_s is None:
            return self.start_s is not other.start_s
        return abs(self.start_s - other.start_s) > interval_s


UNPLANNED = Planned(None, ())


def one_cycle(facts: Facts, cycle_at: datetime, *, last_ran: bool = False) -> dict[str, Planned]:
    """By key, the plan of one backfill cycle and nothing else. Later jobs are not in it.

    Slurm tells times in whole seconds. A job that started in that of the cycle is taken for the
    cycle's own; whether one that ended in it still ran is up to ``last_ran``.
    """
    queue = list(_as_of(facts.queue, cycle_at, last_ran=last_ran))
    world = build(replace(facts, taken_at=cycle_at, queue=queue)).world
    simulation = Simulation(replace(world, config=replace(world.config, main_interval_s=0)))
    simulation.run(0.0)
    started = {
        str(one.job.key): Planned(0.0, tuple(share.node for share in one.allocation))
        for one in simulation.running()
    }
    waiting = {
        str(one.job.key): Planned(one.planned_start_s, one.planned_nodes)
        for one in simulation.queue()
    }
    return started | waiting


def ended_with(facts: Facts, cycle_at: datetime) -> bool:
    """Whether a job that held nodes ended in the second of the cycle."""
    return any(
        row.end_at == cycle_at and row.state in FINAL_STATES and row.node_list is not None
        for row in facts.queue
    )


def _as_of(
    queue: Iterable[QueuedJob], cycle_at: datetime, *, last_ran: bool
) -> Iterator[QueuedJob]:
    """The queue as the cycle met it: no later jobs, those that it started still waiting, and those
    that ended since still running, as squeue shows these for a while."""
    for row in queue:
        if row.submit_at is not None and row.submit_at > cycle_at:
            continue
        began_since = row.start_at is not None and row.start_at >= cycle_at
        ended_since = row.end_at is not None and (
            row.end_at > cycle_at or (last_ran and row.end_at == cycle_at)
        )
        ran_since = row.state == "RUNNING" or (
            row.state in FINAL_STATES and ended_since and row.node_list is not None
        )
        if ran_since and began_since:
            yield replace(row, state="PENDING", start_at=None, node_list=None)
        else:
            yield replace(row, state="RUNNING") if ran_since else row


def reasons_to_wait(world: World) -> dict[str, str]:
    """By key, what one main pass over the whole queue says of a job; not of those it starts."""
    simulation = Simulation(replace(world, config=replace(world.config, backfill=False)))
    simulation.run(0.0)
    return {str(waiting.job.key): waiting.reason for waiting in simulation.queue()}
