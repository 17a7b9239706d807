"""The queue's own priorities, where the factors known here do not add up to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from planner.snapshot.facts import SnapshotNote

_ROUNDING = 10  # of factors, usage and size, in units of priority


def with_queue_priorities(
    world: World, told: Mapping[str, int | None], notes: list[SnapshotNote]
) -> World:
    """The world with each job's site factor moved so that its priority now is what squeue told.

    This takes in what no command shows: missing fair shares, an administrator's own numbers, flags
    that are not modelled. The priorities told are as of the last calc period, so differences that
    ageing since then explains stay.
    """
    config = world.config.priority
    drift = _ROUNDING
    if config.max_age_s > 0:
        drift += int(2 * config.weight_age * config.calc_period_s / config.max_age_s)
    missing: dict[Key, int] = {}
    for waiting in Simulation(world).queue():
        priority = told.get(str(waiting.job.key))
        if not priority or not waiting.priority:
            continue
        gap = priority - waiting.priority
        # Of several partitions the queue tells the priority in one, and not in which.
        missing[waiting.job.key] = min(gap, missing.get(waiting.job.key, gap), key=abs)
    moved = {key: gap for key, gap in missing.items() if abs(gap) > drift}
    if not moved:
        return world
    jobs = tuple(
        replace(job, site_factor=job.site_factor + moved[job.key]) if job.key in moved else job
        for job in world.jobs
    )
    shown = ", ".join(str(key) for key, _ in Counter(moved).most_common(3))
    notes.append(
        SnapshotNote(
            "priorities",
            f"of {len(moved)} jobs ({shown}, ...) are not explained by their factors;"
            " the queue's own are used",
        )
    )
    return replace(world, jobs=jobs)
