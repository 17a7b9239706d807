"""Outputs that were saved elsewhere, stored as the polls they might have been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from tracker.models import Cluster, Poll
from tracker.polling.outputs import complete_at, keep_output
from tracker.slurm.capture import read_capture
from tracker.slurm.client import parse
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import Output


@dataclass(frozen=True, slots=True)
class StoredCapture:
    """``known_at`` is when the last of its answers was complete: all of it was known then."""

    known_at: datetime
    new_polls: int
    waiting_ids: frozenset[int]  # raw ids of the jobs that waited in it


def store_capture(cluster: Cluster, folder: Path) -> StoredCapture:
    """Each output but sacct's as a poll of its own time; a second time stores nothing.

    No job changes: jobs come from accounting, which tells of the whole past. A stored sacct would
    moreover pass for one that was read, and the next would ask only for what came later. Raises
    SlurmError where the folder is no capture, or its queue cannot be read.
    """
    outputs = dict(read_capture(folder).transport.outputs)
    outputs.pop("sacct", None)
    if "squeue" not in outputs:
        raise SlurmError("it holds no output of squeue, so nothing tells who waited")
    queue = parse(outputs["squeue"])
    return StoredCapture(
        known_at=max(complete_at(output) for output in outputs.values()),
        new_polls=store_outputs(cluster, outputs.values()),
        waiting_ids=frozenset(job.job_id for job in queue if job.state == "PENDING"),
    )


@transaction.atomic
def store_outputs(cluster: Cluster, outputs: Iterable[Output]) -> int:
    """A poll for each that is not stored yet; how many. Jobs and configuration do not change."""
    Cluster.objects.select_for_update().get(pk=cluster.pk)  # two stores take turns
    by_key = {(output.name, output.started_at): output for output in outputs}
    times = {started_at for _, started_at in by_key}
    polls = Poll.objects.filter(cluster=cluster)
    if times:
        polls = polls.filter(started_at__range=(min(times), max(times)))
    stored = set(polls.values_list("command", "started_at"))
    rows = [_poll(cluster, output) for key, output in by_key.items() if key not in stored]
    Poll.objects.bulk_create(rows, batch_size=100)
    return len(rows)


def _poll(cluster: Cluster, output: Output) -> Poll:
    row = Poll(cluster=cluster, command=output.name, ok=True)
    keep_output(row, output)
    try:
        parse(output)
    except SlurmError as error:
        row.ok, row.error = False, f"{type(error).__name__}: {error}"
    return row
