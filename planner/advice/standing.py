"""Who stands before a job in the queue, and by what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from planner.asking.probe import PROBE
from planner.sim.cluster import Partition, World
from planner.sim.engine import Simulation
from planner.sim.jobs import Job
from planner.sim.views import WaitingJob

By = Literal["tier", "fair_share", "age", "qos", "partition", "size", "other"]
BYS: tuple[By, ...] = ("tier", "fair_share", "age", "qos", "partition", "size", "other")
# The names that sprio heads its columns with; those of TRES are sizes.
_OF_COLUMN: Mapping[str, By] = {
    "AGE": "age",
    "ASSOC": "other",
    "FAIRSHARE": "fair_share",
    "PARTITION": "partition",
    "QOS": "qos",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """At the instant of the snapshot, after the scheduler has looked at the queue once."""

    reason: str  # in Slurm's words; "None": it starts at once
    ahead: int  # jobs that wait for nodes it may use, and come first
    by: Mapping[By, int]  # of these, by what leads most


def standing(world: World, probe: Job) -> Standing:
    simulation = Simulation(replace(world, jobs=(*world.jobs, probe)), keeps_plan=False)
    simulation.run(0.0)
    queue = simulation.queue()
    own = next((one for one in queue if one.job.key == PROBE), None)
    if own is None:
        return Standing("None", 0, dict.fromkeys(BYS, 0))
    partitions = {one.name: one for one in world.partitions}
    mine = partitions[own.partition]
    first: dict[object, By] = {}
    for other in queue:
        if other is own:
            break
        theirs = partitions[other.partition]
        if not other.never and (theirs.nodes & mine.nodes).any():
            first.setdefault(other.job.key, _leads_by(world, other, theirs, own, mine))
    counts = Counter(first.values())
    return Standing(own.reason, len(first), {by: counts[by] for by in BYS})


def _leads_by(
    world: World, other: WaitingJob, theirs: Partition, own: WaitingJob, mine: Partition
) -> By:
    """The largest difference of what their priorities are made of."""
    if theirs.priority_tier != mine.priority_tier:
        return "tier"
    if other.job.reservation is not None or other.job.fixed_priority is not None:
        return "other"
    config = world.config.priority
    lead: Counter[By] = Counter()
    own_parts = own.factors.weighted(config)
    for column, weighted in other.factors.weighted(config).items():
        lead[_OF_COLUMN.get(column, "size")] += weighted - own_parts.get(column, 0.0)  # type: ignore[assignment]
    set_by_hand = (other.job.site_factor - other.job.nice) - (own.job.site_factor - own.job.nice)
    lead["other"] += set_by_hand
    by, most = max(lead.items(), key=lambda item: item[1])
    return by if most > 0 else "age"  # of equal ones the one that came first
