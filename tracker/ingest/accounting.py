"""Accounting into jobs: how attempts ended, and jobs that no poll of the queue has seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from tracker.ingest.counts import Counts
from tracker.ingest.following import follow
from tracker.ingest.ledger import Ledger
from tracker.ingest.sightings import Sighting, from_accounting
from tracker.models import Attempt, Cluster, Job, Poll
from tracker.slurm.records import AccountedJob
from tracker.slurm.states import MAYBE_REQUEUED_STATES

# How often an undecided job is asked for again, by how long nothing has changed about it.
_ASK_EVERY = (
    (timedelta(minutes=30), timedelta(0)),
    (timedelta(days=1), timedelta(minutes=30)),
    (timedelta(days=365), timedelta(days=1)),
)


def record_accounting(cluster: Cluster, rows: Sequence[AccountedJob], seen_at: datetime) -> Counts:
    """Attempts as accounting told them at ``seen_at``, any part of the history in any order."""
    return record_sightings(cluster, [from_accounting(row) for row in rows], seen_at)


@transaction.atomic
def record_sightings(
    cluster: Cluster, told: Sequence[Sighting | None], seen_at: datetime
) -> Counts:
    """What ``from_accounting`` made of rows: None, which is only counted, where no time is told."""
    Cluster.objects.select_for_update().get(pk=cluster.pk)  # one recording of a cluster at a time
    sightings = [sighting for sighting in told if sighting]
    ledger = Ledger(cluster, (sighting.job_id for sighting in sightings), seen_at)
    ledger.take(sightings)
    for job in _over(cluster, _ended(ledger, sightings)):
        ledger.edits.set(job, {"is_final": True})
    touched = ledger.write()
    follow(cluster, [job for job in touched if not _may_go_on(job)])
    created = len(ledger.new_jobs)
    return Counts(len(told), created, len(touched) - created)


def undecided_ids(cluster: Cluster, now: datetime, every: timedelta) -> list[int]:
    """Raw ids to ask accounting for: gone from the queue, no end told, newest first.

    ``every`` is the interval of the polls that ask; a job that stays undecided is asked rarer.
    """
    jobs = undecided_jobs(cluster)
    ids = []
    for job_id, changed_at in jobs.order_by("-changed_at").values_list("job_id", "changed_at"):
        silence = now - changed_at
        pause = next((pause for limit, pause in _ASK_EVERY if silence < limit), None)
        if pause is not None and (not pause or silence % pause < every):
            ids.append(job_id)
    return ids


def undecided_jobs(cluster: Cluster) -> QuerySet[Job]:
    """Gone from the queue, while accounting has told no end."""
    told = Attempt.objects.filter(
        job=OuterRef("pk"), submit_at=OuterRef("submit_at"), accounted=True
    )
    return Job.objects.filter(~Exists(told), cluster=cluster, is_final=False, in_queue=False)


def _ended(ledger: Ledger, sightings: Sequence[Sighting]) -> Iterator[Job]:
    """Jobs whose newest attempt's end is told."""
    for sighting in sightings:
        job = ledger.newest(sighting.job_id)
        if sighting.accounted and job is not None and job.submit_at == sighting.submit_at:
            yield job


def _over(cluster: Cluster, ended: Iterable[Job]) -> list[Job]:
    """Those that no attempt follows: by their state, or because a queue read since lacks them.

    The others wait for such a queue: record_queue makes them final.
    """
    over: list[Job] = []
    in_doubt: list[Job] = []
    for job in ended:
        if job.state not in MAYBE_REQUEUED_STATES:
            over.append(job)
        elif not job.is_final and not job.in_queue:
            in_doubt.append(job)
    if in_doubt:
        polls = Poll.objects.filter(cluster=cluster, command="squeue", ok=True)
        read_at = polls.aggregate(at=Max("started_at"))["at"]
        over += [job for job in in_doubt if read_at and job.end_at and job.end_at < read_at]
    return over


def _may_go_on(job: Job) -> bool:
    """Whether this end may be that of one attempt, with the next in a queue not read yet."""
    return job.state in MAYBE_REQUEUED_STATES and not job.is_final
