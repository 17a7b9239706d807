"""The queue into jobs: who waits, who runs, and who has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from tracker.ingest.counts import Counts
from tracker.ingest.following import follow
from tracker.ingest.ledger import Ledger, chunks
from tracker.ingest.sightings import Rank, from_queue
from tracker.ingest.vanished import settle_vanished
from tracker.models import Cluster, Job
from tracker.slurm.records import QueuedJob

SETTLED_AT_ONCE = 10_000  # newest ids first; a history older than any poll may hold a million


@transaction.atomic
def record_queue(cluster: Cluster, rows: Sequence[QueuedJob], seen_at: datetime) -> Counts:
    """``rows`` is the whole queue as it was at ``seen_at``; what is absent has left it.

    Leaving decides nothing: only accounting tells how a job ended.
    """
    Cluster.objects.select_for_update().get(pk=cluster.pk)  # one recording of a cluster at a time
    sightings = [sighting for row in rows if (sighting := from_queue(row))]
    ledger = Ledger(cluster, (sighting.job_id for sighting in sightings), seen_at)
    ledger.take(sightings)
    held = {sighting.job_id for sighting in sightings if sighting.rank is not Rank.ENDED}
    for job_id in held:
        if job := ledger.newest(job_id):
            ledger.edits.set(job, {"in_queue": True})
    touched = ledger.write()
    left = _leave(cluster, held, seen_at)
    final = _settle(cluster, seen_at)
    follow(cluster, {job.pk: job for job in [*touched, *left, *final]}.values())
    settle_vanished(cluster, seen_at)
    created = len(ledger.new_jobs)
    return Counts(len(rows), created, len(touched) - created + len(left) + len(final))


def _leave(cluster: Cluster, held: set[int], seen_at: datetime) -> list[Job]:
    in_queue = Job.objects.filter(cluster=cluster, in_queue=True).values_list("pk", "job_id")
    gone = [pk for pk, job_id in in_queue if job_id not in held]
    for some in chunks(gone):
        Job.objects.filter(pk__in=some).update(in_queue=False, changed_at=seen_at)
    return [job for some in chunks(gone) for job in Job.objects.filter(pk__in=some)]


def _settle(cluster: Cluster, seen_at: datetime) -> list[Job]:
    """Make final what accounting has ended and this queue, asked after the end, does not hold.

    Until then NODE_FAIL, PREEMPTED, FAILED and REQUEUED may be the end of one attempt of several.
    """
    ended = Job.objects.filter(
        cluster=cluster,
        is_final=False,
        in_queue=False,
        end_at__lt=seen_at,
        attempts__submit_at=F("submit_at"),
        attempts__accounted=True,
    )
    final = list(ended[:SETTLED_AT_ONCE])
    for some in chunks([job.pk for job in final]):
        Job.objects.filter(pk__in=some).update(is_final=True, changed_at=seen_at)
    for job in final:
        job.is_final = True
    return final
