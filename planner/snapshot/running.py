"""Running jobs: when they began, how long they may last, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from planner.sim.jobs import Job, NodeShare
from planner.snapshot.allocations import allocations, unseen
from planner.snapshot.facts import Facts, SnapshotNote
from planner.snapshot.requests import Site, request_fields
from planner.snapshot.rows import Holder, Rows
from tracker.slurm.states import RunStatus, run_status


def running_jobs(
    facts: Facts, rows: Rows, site: Site | None, notes: list[SnapshotNote]
) -> Iterator[Job]:
    """Every job that holds nodes, and one a node for what hidden jobs hold there. With a site, also
    what they asked for, which counts if they are preempted.
    """
    nodes = {node.name: node for node in facts.nodes}
    partitions = {partition.name for partition in facts.partitions}
    held = allocations(rows.holding, nodes, notes)
    for holder in rows.holding:
        about = f"job {holder.key}"
        if holder.key not in held:
            continue
        start_s = rows.offset_s(holder.record.start_at)
        used = [name for name in holder.record.partitions if name in partitions]
        if start_s is None or not used:
            notes.append(SnapshotNote(about, "runs without a known start or partition; left out"))
            continue
        if run_status(holder.record.state) is RunStatus.SUSPENDED:
            notes.append(SnapshotNote(about, "is suspended; taken to keep its nodes for good"))
        job = _running(holder, rows, min(start_s, 0.0), used[0], held[holder.key])
        yield job if site is None else _with_request(job, holder, site, notes)
    if facts.config is not None and "jobs" in facts.config.private_data:
        for share in unseen(held, nodes):
            known = [name for name in nodes[share.node].partitions if name in partitions]
            if known:
                notes.append(
                    SnapshotNote(
                        f"node {share.node}",
                        f"{share.cpus} CPUs are used by jobs that PrivateData hides;"
                        " taken as used for good",
                    )
                )
                yield _hidden(share, known[0])


def _running(
    holder: Holder, rows: Rows, start_s: float, partition: str, allocation: tuple[NodeShare, ...]
) -> Job:
    record = holder.record
    limit_s = None if record.limit_minutes is None else record.limit_minutes * 60
    if record.state == "COMPLETING":
        limit_s = 1 - start_s  # over but for its epilog: Slurm plans with its nodes as free
    if run_status(record.state) is RunStatus.SUSPENDED:
        limit_s = inf
    return Job(
        key=holder.key,
        user=record.user,
        account=record.account or "",
        partitions=(partition,),
        qos=record.qos,
        submit_s=min(rows.offset_s(record.submit_at) or 0.0, start_s),
        limit_s=limit_s,
        array_id=record.array_job_id,
        requeues=record.state != "COMPLETING",
        start_s=start_s,
        allocation=allocation,
    )


def _with_request(job: Job, holder: Holder, site: Site, notes: list[SnapshotNote]) -> Job:
    try:
        return replace(job, **request_fields(holder.record, job.partitions[0], site))
    except ValueError as error:
        notes.append(SnapshotNote(f"job {holder.key}", f"does not run again if preempted: {error}"))
        return replace(job, requeues=False)


def _hidden(share: NodeShare, partition: str) -> Job:
    return Job(
        key=f"hidden on {share.node}",
        user="",
        account="",
        partitions=(partition,),
        limit_s=inf,
        requeues=False,  # what it asked for is not known
        start_s=0.0,
        allocation=(share,),
    )
