"""Logs for the model of Slurm: with all that they tell of each request, not only its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from planner.traces.accounting import Incarnation, job_of
from planner.traces.cleaning import Cleaning
from planner.traces.eagle_csv import NOTES as EAGLE_NOTES
from planner.traces.eagle_csv import looks_like_eagle_csv
from planner.traces.eagle_csv import read_rows as read_eagle_rows
from planner.traces.files import numbered_lines
from planner.traces.jobs import Trace
from planner.traces.reading import read_trace
from planner.traces.sacct_dump import incarnation, looks_like_sacct, read_rows
from tracker.slurm.records import AccountedJob, QueuedJob, Tres

MORE = ("QOS", "ReqNodes", "Constraints", "Reservation", "Eligible")


def read_requests(path: Path) -> Trace:
    """As ``read_trace``, but in partitions of GPUs too sizes are CPUs, and of accounting's tables
    the requests are read. Raises TraceError, OSError.
    """
    first = next((line for _, line in numbered_lines(path) if line), "")
    if looks_like_sacct(first):
        return _of_sacct(path)
    return _of_eagle(path) if looks_like_eagle_csv(first) else read_trace(path)


def _of_sacct(path: Path) -> Trace:
    rows, notes = read_rows(path, MORE)
    requests = ((record, as_queued(row)) for row in rows if (record := incarnation(row)))
    return _trace(path.name, requests, notes)


def _of_eagle(path: Path) -> Trace:
    requests = ((record, _whole_nodes(record, row)) for record, row in read_eagle_rows(path))
    return _trace(path.name, requests, EAGLE_NOTES)


def _trace(
    name: str, requests: Iterable[tuple[Incarnation, QueuedJob]], notes: Iterable[str]
) -> Trace:
    cleaning = Cleaning(processors=None)
    for record, request in requests:
        job = job_of(record, record.procs, cleaning)
        cleaning.take(replace(job, asked=replace(job.asked, request=request)))
    return cleaning.trace(name, *notes)


def as_queued(row: AccountedJob) -> QueuedJob:
    """The request as squeue would have told of it. Accounting tells totals: of several nodes each
    is taken to give an equal part, where that is a whole number.
    """
    nodes, cpus = row.req_nodes or 1, row.req_tres.cpus or row.req_cpus or 1
    gpus = row.req_tres.gpus_by_type or {"": row.req_tres.gpus or 0}
    is_even = not any(count % nodes for count in gpus.values())
    return QueuedJob(
        job_id=row.job_id,
        state="PENDING",
        user=row.user or "",
        name="",
        account=row.account,
        partitions=tuple((row.partition or "").split(",")),
        qos=row.qos,
        eligible_at=row.eligible_at,
        array_job_id=row.array_job_id,
        node_count=nodes,
        ntasks=nodes if cpus % nodes == 0 else cpus,
        cpus=cpus,
        mem_mib=None if row.req_tres.mem_mib is None else -(-row.req_tres.mem_mib // nodes),
        tres_per_node=_each(row.req_tres, nodes) if is_even else Tres(),
        tres_alloc=row.req_tres,
        features=row.constraints,
        reservation=row.reservation,
    )


def _each(asked: Tres, nodes: int) -> Tres:
    return Tres(
        gpus=(asked.gpus or 0) // nodes,
        gpus_by_type={kind: count // nodes for kind, count in asked.gpus_by_type.items()},
    )


def _whole_nodes(record: Incarnation, row: Mapping[str, str]) -> QueuedJob:
    """Of Eagle: its memory is that of the nodes."""
    gpus = int(row.get("gpus_req") or 0)
    return QueuedJob(
        job_id=0,
        state="PENDING",
        user=record.user,
        name="",
        account=record.group,
        qos=row.get("qos") or None,
        node_count=record.procs,
        ntasks=record.procs,
        cpus=record.procs,
        mem_mib=0,
        tres_per_node=Tres(gpus=-(-gpus // record.procs)) if gpus else Tres(),
        exclusive=True,
    )
