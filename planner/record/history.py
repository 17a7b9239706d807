"""The service's own record of a cluster as a trace: one job per incarnation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from planner.traces.accounting import Incarnation, trace_of
from planner.traces.jobs import Trace
from tracker.models import Attempt, Cluster

_FIELDS = (
    "submit_at", "start_at", "end_at", "node_list", "job__submit_at", "job__in_queue",
    "job__job_id", "job__cpus", "job__gpus", "job__limit_minutes", "job__limit_unlimited",
    "job__user", "job__account", "job__partition",
)  # fmt: skip


def read_history(cluster: Cluster, processors: int | None = None) -> Trace:
    """Raises TraceError where nothing has started yet.

    Attempts that left the queue without a word of accounting about their end are left out: they
    would seem to wait, or to run, for ever.
    """
    records: list[Incarnation] = []
    unknown = 0
    attempts = Attempt.objects.filter(job__cluster=cluster).order_by("submit_at", "pk")
    for row in attempts.values(*_FIELDS).iterator(chunk_size=10_000):
        is_open = row["job__in_queue"] and row["submit_at"] == row["job__submit_at"]
        if row["end_at"] is None and not is_open:
            unknown += 1
        else:
            records.append(_incarnation(row))
    notes = [f"attempts left out, nobody has told of their end: {unknown:,}"] if unknown else []
    return trace_of(f"history of {cluster.name}", records, processors, notes)


def _incarnation(row: dict[str, Any]) -> Incarnation:
    # Of a job that was cancelled before it got a node, accounting may tell the end as start too.
    never_started = not row["node_list"] and row["start_at"] == row["end_at"]
    limit_minutes = None if row["job__limit_unlimited"] else row["job__limit_minutes"]
    return Incarnation(
        job_id=str(row["job__job_id"]),
        submit_s=row["submit_at"].timestamp(),
        start_s=None if never_started else _epoch_s(row["start_at"]),
        end_s=_epoch_s(row["end_at"]),
        procs=row["job__cpus"] or 0,
        gpus=sum(row["job__gpus"].values()),
        limit_s=None if limit_minutes is None else limit_minutes * 60.0,
        user=row["job__user"],
        group=row["job__account"],
        partition=row["job__partition"],
    )


def _epoch_s(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
