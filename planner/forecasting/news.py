"""Whether anything has happened between two looks at a cluster that could move a start."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from planner.snapshot.facts import Facts
from tracker.slurm.reasons import ReasonClass, classify
from tracker.slurm.records import QueuedJob

# Between these Slurm changes from poll to poll, though nothing has happened.
_PASSING = {ReasonClass.TIME, ReasonClass.DATE, ReasonClass.OWN_JOBS, ReasonClass.UNKNOWN}


def digest(facts: Facts) -> str:
    """The same for two looks between which no job came, went, started, ended, was changed or
    overtaken, and no node, partition or reservation changed. That time passes is no news."""
    lines = "\n".join(repr(line) for line in _lines(facts))
    return hashlib.sha256(lines.encode()).hexdigest()


def _lines(facts: Facts) -> Iterator[tuple[object, ...]]:
    for row in sorted(facts.queue, key=lambda row: (-(row.priority or 0), row.job_id)):
        yield _job(row)
    for node in sorted(facts.nodes, key=lambda node: node.name):
        yield node.name, node.state, node.cpus, node.mem_mib, sorted(node.partitions)
    for partition in sorted(facts.partitions, key=lambda partition: partition.name):
        yield partition.name, partition.state, partition.node_list, partition.max_minutes
    for reservation in sorted(facts.reservations, key=lambda reservation: reservation.name):
        yield reservation.name, reservation.start_at, reservation.end_at, reservation.node_list


def _job(row: QueuedJob) -> tuple[object, ...]:
    """Without what Slurm reckons anew: priority itself, planned start and nodes."""
    kept_by = classify(row.reason)
    return (
        *(row.job_id, row.array_tasks, row.restarts, row.state, row.node_list),
        *(row.partitions, row.account, row.qos, row.limit_minutes, row.eligible_at),
        *(row.node_count, row.cpus, row.mem_mib, row.features, row.dependency, row.reservation),
        "" if kept_by in _PASSING else row.reason,
    )
