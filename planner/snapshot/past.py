"""What accounting and the queue knew of run times and submissions when the snapshot was taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from planner.arrivals import Arrivals, FutureJobs, PastSubmissions
from planner.ensemble import Past, asked_run, limit_s_of
from planner.runtimes import AskedRun, PastRuns, Ran, RunTimes
from planner.sim.cluster import World
from planner.sim.jobs import Job, Key
from planner.snapshot import Snapshot
from planner.snapshot.facts import Facts
from planner.snapshot.requests import Site, request_fields
from planner.snapshot.rows import key_of, tasks_of
from planner.traces.requests import as_queued
from tracker.slurm.client import Slurm, parse
from tracker.slurm.errors import SlurmError
from tracker.slurm.records import AccountedJob, QueuedJob
from tracker.slurm.states import RunStatus, run_status

# The cluster ended these, not the job: how long it would have run is not known.
_CUT_SHORT = frozenset({"PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "REQUEUED", "REVOKED"})


def past_of(
    facts: Facts,
    snapshot: Snapshot,
    attempts: Iterable[AccountedJob],
    *,
    since: datetime | None = None,
) -> Past:
    """From accounting's rows in any order, as far as they were true at the snapshot: what started,
    ended or was submitted later has not happened yet.

    ``since``: from when on the rows tell of every submission; None, or nothing that old: from the
    first of them on.
    """
    world, at = snapshot.world, snapshot.taken_at
    rows = [row for row in attempts if row.submit_at is not None and row.submit_at <= at]
    asked = dict(_asked(facts.queue, world))
    ended = list(_ended(rows, world, at))
    ran = PastRuns.of([*ended, *_running(world, asked)])
    return Past(
        runs=RunTimes.learn(ran, at.timestamp()) if ended else None,
        arrivals=_arrivals(facts, world, rows, since),
        asked=asked,
    )


def recorded_past(slurm: Slurm, facts: Facts, snapshot: Snapshot) -> Past:
    """From the accounting that was recorded with the queue; blank where there is none of it."""
    try:
        output = slurm.fetch("sacct", since=facts.taken_at)
        rows = parse(output)
    except SlurmError:
        return Past()
    return past_of(facts, snapshot, rows, since=_asked_since(output.argv))


def _asked_since(argv: Sequence[str]) -> datetime | None:
    """The inverse of ``accounting_argv``."""
    words = dict(pairwise(argv))
    return datetime.fromisoformat(words["-S"]).replace(tzinfo=UTC) if "-S" in words else None


# --- run times
def _asked(queue: Iterable[QueuedJob], world: World) -> Iterator[tuple[Key, AskedRun]]:
    """Not of those that hold their nodes for good, or only until their epilog is over."""
    jobs = {job.key: job for job in world.jobs}
    for row in queue:
        if row.state == "COMPLETING" or run_status(row.state) is RunStatus.SUSPENDED:
            continue
        for task in tasks_of(row):
            if (job := jobs.get(key_of(row, task))) is not None:
                # What runs is in the world with what it holds, not with what it asked for.
                asked = asked_run(job, world, row.name)
                yield job.key, replace(asked, procs=float(row.cpus or 1))


def _ended(rows: Iterable[AccountedJob], world: World, at: datetime) -> Iterator[Ran]:
    known = {partition.name for partition in world.partitions}
    for row in rows:
        if row.start_at is None or row.end_at is None or row.end_at > at:
            continue
        if row.state in _CUT_SHORT or (row.node_list is None and row.start_at == row.end_at):
            continue  # sacct prints the end as the start of a job that never got a node
        partition = row.partition or ""
        if row.limit_minutes is None and partition not in known:
            continue  # nobody can tell what share of its limit it used
        yield Ran(
            user=row.user or "",
            account=row.account or "",
            name=row.name or "",
            partition=partition,
            procs=float(row.req_tres.cpus or row.req_cpus or 1),
            limit_s=limit_s_of(_seconds(row.limit_minutes), partition, world),
            start_s=row.start_at.timestamp(),
            end_s=row.end_at.timestamp(),
        )


def _running(world: World, asked: dict[Key, AskedRun]) -> Iterator[Ran]:
    for job in world.jobs:
        if job.start_s is not None and job.key in asked:
            yield Ran(**asdict(asked[job.key]), start_s=world.origin_s + job.start_s, end_s=None)


# --- submissions
def _arrivals(
    facts: Facts, world: World, rows: Iterable[AccountedJob], since: datetime | None
) -> FutureJobs | None:
    """Each submission once, array tasks one by one; a requeue is none."""
    submitted = [row for row in _first_incarnations(rows) for _ in row.array_tasks or (None,)]
    submit_s = np.array([row.submit_at.timestamp() for row in submitted if row.submit_at])
    if not submitted:
        return None
    known_from = None if since is None else max(since.timestamp(), float(submit_s.min()))
    past = PastSubmissions.of(submit_s, known_from)
    arrivals = Arrivals.learn(past, world.origin_s)
    if arrivals is None:
        return None
    requests = _Requests(facts, world)
    jobs = {place: requests.job(row) for place, row in enumerate(submitted)}
    templates = {place: job for place, job in jobs.items() if job is not None}
    asked = {
        place: asked_run(job, world, submitted[place].name or "")
        for place, job in templates.items()
    }
    return FutureJobs.of(arrivals, templates, asked)


def _first_incarnations(rows: Iterable[AccountedJob]) -> Iterator[AccountedJob]:
    seen: set[int] = set()
    for row in sorted(rows, key=lambda row: (row.submit_at, row.job_id)):
        if row.job_id not in seen:
            seen.add(row.job_id)
            yield row


class _Requests:
    """Requests of the past as the model takes them today."""

    def __init__(self, facts: Facts, world: World) -> None:
        self._site = Site.of(facts, world.nodes, world.partitions)
        self._reservations = {reservation.name for reservation in world.reservations}

    def job(self, row: AccountedJob) -> Job | None:
        """None where the cluster no longer has what was asked for, or the model cannot tell."""
        record = as_queued(row)
        partitions = tuple(name for name in record.partitions if name in self._site.partitions)
        if not partitions:
            return None
        try:
            request = request_fields(record, partitions[0], self._site)
        except ValueError:
            return None
        return Job(
            key=row.job_id,
            user=record.user,
            account=record.account or "",
            partitions=partitions,
            qos=record.qos,
            limit_s=_seconds(row.limit_minutes),
            array_id=record.array_job_id,
            reservation=record.reservation if record.reservation in self._reservations else None,
            **request,
        )


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else minutes * 60.0
