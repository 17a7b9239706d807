"""One vocabulary for what squeue and sacct say about an attempt of a job."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from django.db.models import CharField

from tracker.models import Attempt, Job
from tracker.slurm.records import AccountedJob, QueuedJob, Tres
from tracker.slurm.states import REQUEUE_STATES, RunStatus, is_final, run_status

_WIDTHS = {
    column.name: column.max_length
    for model in (Attempt, Job)
    for column in model._meta.fields
    if isinstance(column, CharField)
}


class Rank(IntEnum):
    """How far an attempt has come. Within one attempt nothing goes back."""

    WAITING = 0
    STARTED = 1
    ENDED = 2


@dataclass(frozen=True, slots=True)
class Sighting:
    """An attempt as one source told it.

    ``facts`` and ``job`` hold values as their columns keep them, and only known ones.
    """

    job_id: int
    submit_at: datetime
    rank: Rank
    user: str
    facts: dict[str, object]  # of the attempt
    job: dict[str, object]  # of the job, whatever its attempt
    from_queue: bool
    restarts: int | None = None  # accounting does not tell
    planned_start_at: datetime | None = None  # Slurm's own estimate
    accounted: bool = False  # accounting has told of the end
    alloc_tres: dict[str, object] = field(default_factory=dict)

    @property
    def end_at(self) -> datetime | None:
        end_at = self.facts.get("end_at")
        return end_at if isinstance(end_at, datetime) else None


def from_queue(row: QueuedJob) -> Sighting | None:
    """None for a row without a submit time: it cannot be told from an older job of that id."""
    if row.submit_at is None:
        return None
    rank = rank_of(row.state)
    facts: dict[str, object] = {
        "state": row.state,
        "reason": row.reason or "",
        "eligible_at": row.eligible_at,
    }
    if rank is Rank.STARTED or (rank is Rank.ENDED and row.node_list):
        # While pending squeue's StartTime is a plan, and while running its EndTime is the limit; of
        # a job that ended before it got a node StartTime is its end.
        facts |= {"start_at": row.start_at, "node_list": row.node_list}
    if rank is Rank.ENDED:
        facts |= {"end_at": row.end_at}
        if row.exit_code is not None:  # a raw wait status: 256 is exit 1, 15 a TERM
            facts |= {"exit_code": row.exit_code >> 8, "exit_signal": row.exit_code & 0x7F}
    return Sighting(
        job_id=row.job_id,
        submit_at=row.submit_at,
        rank=rank,
        user=row.user,
        facts=_known(facts),
        job=_known(_queued_job(row)) | _limit(row.limit_minutes),
        from_queue=True,
        restarts=row.restarts,
        planned_start_at=row.start_at if rank is Rank.WAITING else None,
    )


def from_accounting(row: AccountedJob) -> Sighting | None:
    if row.submit_at is None:
        return None
    accounted = row.end_at is not None and (is_final(row.state) or row.state in REQUEUE_STATES)
    rank = Rank.ENDED if accounted else rank_of(row.state)
    facts: dict[str, object] = {
        "state": row.state,
        "eligible_at": row.eligible_at,
        "start_at": row.start_at,
        "node_list": row.node_list,
    }
    if rank is Rank.WAITING:
        # sacct keeps the last pending reason of ended jobs too, where it explains nothing
        facts |= {"reason": row.reason}
    if accounted:
        facts |= {
            "end_at": row.end_at,
            "exit_code": row.exit_code,
            "exit_signal": row.exit_signal,
        }
    return Sighting(
        job_id=row.job_id,
        submit_at=row.submit_at,
        rank=rank,
        user=row.user or "",
        facts=_known(facts),
        job=_known(_accounted_job(row)) | _limit(row.limit_minutes),
        from_queue=False,
        accounted=accounted,
        alloc_tres=_tres_fields(row.alloc_tres),
    )


def rank_of(state: str) -> Rank:
    """Of a state in the queue, where the requeue states are jobs that wait again."""
    status = run_status(state)
    if status is RunStatus.PENDING:
        return Rank.WAITING
    return Rank.ENDED if is_final(state) else Rank.STARTED


def _queued_job(row: QueuedJob) -> dict[str, object]:
    return {
        "array_job_id": row.array_job_id,
        "array_task_id": row.array_task_id,
        "array_tasks": list(row.array_tasks),
        "het_job_id": row.het_job_id,
        "name": row.name,
        "user": row.user,
        "account": row.account,
        "partition": ",".join(row.partitions),
        "qos": row.qos,
        "priority": row.priority,
        "node_count": row.node_count,
        "ntasks": row.ntasks,
        "cpus": row.cpus,
        "mem_mib": _mem_in_all_mib(row),
        "gpus": _gpus_in_all(row),
        "features": row.features,
        "dependency": row.dependency or "",
        "reservation": row.reservation,
        "comment": row.comment,
        "work_dir": row.work_dir,
        "command": row.command,
    }


def _accounted_job(row: AccountedJob) -> dict[str, object]:
    allocated, asked = row.alloc_tres, row.req_tres
    return {
        "array_job_id": row.array_job_id,
        "array_task_id": row.array_task_id,
        "array_tasks": list(row.array_tasks) or None,
        "het_job_id": row.het_job_id,
        "name": row.name,
        "user": row.user,
        "account": row.account,
        "partition": row.partition,
        "qos": row.qos,
        "priority": row.priority,
        "node_count": row.alloc_nodes or row.req_nodes,
        "cpus": allocated.cpus or asked.cpus or row.req_cpus,
        "mem_mib": allocated.mem_mib or asked.mem_mib,
        "gpus": _gpus(allocated) or _gpus(asked) or None,
        "features": row.constraints,
        "reservation": row.reservation,
        "comment": row.comment,
        "work_dir": row.work_dir,
    }


def _known(fields: Mapping[str, object]) -> dict[str, object]:
    """Without the unknown ones, and texts no longer than their column."""
    return {
        name: value[: _WIDTHS.get(name)] if isinstance(value, str) else value
        for name, value in fields.items()
        if value is not None
    }


def _limit(minutes: float | None) -> dict[str, object]:
    if minutes is None:
        return {}
    if math.isinf(minutes):
        return {"limit_minutes": None, "limit_unlimited": True}
    return {"limit_minutes": int(minutes), "limit_unlimited": False}


def _mem_in_all_mib(row: QueuedJob) -> int | None:
    if row.tres_alloc.mem_mib is not None:
        return row.tres_alloc.mem_mib
    times = row.cpus if row.mem_per_cpu else row.node_count
    return row.mem_mib * times if row.mem_mib is not None and times is not None else None


def _gpus_in_all(row: QueuedJob) -> dict[str, int]:
    """While pending tres-alloc holds what is asked; releases that leave it empty tell the parts."""
    return (
        _gpus(row.tres_alloc)
        or _gpus(row.tres_per_job)
        or _gpus(row.tres_per_node, times=row.node_count or 1)
        or _gpus(row.tres_per_task, times=row.ntasks or 1)
    )


def _gpus(tres: Tres, *, times: int = 1) -> dict[str, int]:
    """Type ("" untyped) to count. Typed and untyped entries of Slurm overlap."""
    counts = {name: count * times for name, count in tres.gpus_by_type.items()}
    untyped = (tres.gpus or 0) * times - sum(counts.values())
    return counts | ({"": untyped} if untyped > 0 else {})


def _tres_fields(tres: Tres) -> dict[str, object]:
    fields = {
        "cpus": tres.cpus,
        "mem_mib": tres.mem_mib,
        "nodes": tres.nodes,
        "billing": tres.billing,
        "gpus": _gpus(tres) or None,
    }
    return _known(fields)
