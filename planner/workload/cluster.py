"""The cluster that a log is to run on, without jobs of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from planner.sim.cluster import World
from planner.snapshot import Facts, build
from planner.snapshot.requests import Site


@dataclass(frozen=True, slots=True)
class Cluster:
    """``default_partition``: of jobs that name none; None: there is none."""

    world: World
    site: Site
    default_partition: str | None
    notes: tuple[str, ...]

    @property
    def processors(self) -> int:
        return int(self.world.nodes.cpus.sum())


def emptied(facts: Facts, origin_s: float) -> Cluster:
    """Nodes, rules, shares and usage as the facts have them, at another time, and no job.

    Nodes that are drained or down stay so; reservations hold at their own dates.
    """
    idle = replace(
        facts,
        taken_at=datetime.fromtimestamp(origin_s, UTC),
        queue=[],
        priorities=(),
        nodes=[
            replace(node, cpus_alloc=0, mem_alloc_mib=0, gpus_alloc_by_type={})
            for node in facts.nodes
        ],
    )
    snapshot = build(idle)
    world = snapshot.world
    notes = [f"{note.about}: {note.what}" for note in snapshot.notes]
    if gone := int((~world.nodes.usable_in_plan).sum()):
        notes.append(f"nodes that are down or drained throughout: {gone:,}")
    return Cluster(
        world=world,
        site=Site.of(idle, world.nodes, world.partitions),
        default_partition=_default_partition(facts),
        notes=tuple(notes),
    )


def _default_partition(facts: Facts) -> str | None:
    names = [partition.name for partition in facts.partitions]
    marked = [partition.name for partition in facts.partitions if partition.is_default]
    return marked[0] if marked else names[0] if len(names) == 1 else None
