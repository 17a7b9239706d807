"""The queue's own priorities, where the factors known here do not add up to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.sim.cluster import World
from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from planner.snapshot.facts import SnapshotNote

_ROUNDING = 10  # of factors, usage and size, in units of priority


def with_queue_priorities(
    world: World, told: Mapping[str, int | None], notes: list[SnapshotNote]
) -> World:
    """The world with each job's site factor moved so that its priority now is what squeue told.

    This takes in what no command shows: missing fair shares, an administrator's own numbers, flags
    that are not modelled. The priorities told are as of the last calc period, so the ageing since
    then is a difference that needs no note; left in, it would only reorder near-equal jobs.
    """
    gaps: dict[Key, int] = {}
    for waiting in Simulation(world).queue():
        priority = told.get(str(waiting.job.key))
        if priority and waiting.priority:
            gap = priority - waiting.priority
            # Of several partitions the queue tells the priority in one, and not in which.
            gaps[waiting.job.key] = min(gap, gaps.get(waiting.job.key, gap), key=abs)
    _note_unexplained(gaps, world.config.priority, notes)
    jobs = tuple(
        replace(job, site_factor=job.site_factor + gaps.get(job.key, 0)) for job in world.jobs
    )
    return replace(world, jobs=jobs)


def _note_unexplained(
    gaps: Mapping[Key, int], config: PriorityConfig, notes: list[SnapshotNote]
) -> None:
    expected = _ROUNDING
    if config.max_age_s > 0:
        expected += int(2 * config.weight_age * config.calc_period_s / config.max_age_s)
    odd = [str(key) for key, gap in gaps.items() if abs(gap) > expected]
    if odd:
        what = f"of {len(odd)} jobs, such as {odd[0]}, do not follow from their factors"
        notes.append(SnapshotNote("priorities", f"{what}; the queue's own are used"))
