"""From Slurm's records to the simulator's world: the one place that knows both vocabularies.

The same path serves a live cluster (the newest stored polls, replayed) and a capture folder. What
cannot be read or is not modelled is left out with a note, and never an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from planner.sim.cluster import World
from planner.snapshot.calibration import with_queue_priorities
from planner.snapshot.facts import Facts, SnapshotNote, read_facts
from planner.snapshot.hardware import build_nodes, build_partitions, build_reservations
from planner.snapshot.pending import PendingJob, PendingReader
from planner.snapshot.preempting import may_requeue
from planner.snapshot.requests import Site
from planner.snapshot.rows import Rows
from planner.snapshot.rules import build_config
from planner.snapshot.running import running_jobs
from planner.snapshot.shares import build_associations, build_qos

__all__ = ["Facts", "PendingJob", "Snapshot", "SnapshotNote", "build", "read_facts"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A world whose origin is ``taken_at``. ``pending`` has every waiting job and array task, also
    those that the world does not hold."""

    world: World
    taken_at: datetime
    pending: tuple[PendingJob, ...]
    notes: tuple[SnapshotNote, ...]


def build(facts: Facts) -> Snapshot:
    """The cluster as it was when the queue was asked for."""
    notes = list(facts.notes)
    config = build_config(facts.config, notes, facts.taken_at)
    nodes = build_nodes(facts, notes)
    partitions = build_partitions(facts, nodes, config.preemption, notes)
    reservations = build_reservations(facts, nodes, notes)
    rows = Rows.of(facts.queue, facts.taken_at)
    site = Site.of(facts, nodes, partitions)
    reader = PendingReader(facts, rows, site, {r.name for r in reservations}, notes)
    pending = list(reader.read())
    running = running_jobs(facts, rows, site if config.preemption else None, notes)
    jobs = [*running, *(job for _, job in pending if job is not None)]
    world = World(
        origin_s=facts.taken_at.timestamp(),
        nodes=nodes,
        partitions=partitions,
        qos=build_qos(facts, config.preemption, notes),
        associations=build_associations(facts, notes),
        reservations=reservations,
        config=config,
        jobs=tuple(
            replace(job, requeues=job.requeues and may_requeue(facts.config)) for job in jobs
        ),
    )
    told = {waiting.key: waiting.record.priority for waiting, _ in pending}
    return Snapshot(
        world=with_queue_priorities(world, told, notes),
        taken_at=facts.taken_at,
        pending=tuple(waiting for waiting, _ in pending),
        notes=tuple(notes),
    )
