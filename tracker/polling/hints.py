"""Job ids that a webhook has named: looked up together and soon, never believed.

Accounting is asked first, which costs the controller nothing and nearly always knows. The queue is
read only for ends that may be those of one attempt of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F, Q

from tracker.models import Cluster, Job, JobHint, Poll
from tracker.polling.asking import ask
from tracker.polling.kinds import interval
from tracker.polling.pacing import is_due
from tracker.slurm.commands import MAX_IDS_ASKED

MAX_HINTS = 5 * MAX_IDS_ASKED
# An epilog speaks before slurmdbd has heard of the end: a hint is looked up again this long after
# it came, and then left to the regular polls.
LOOK_AFTER = tuple(timedelta(seconds=s) for s in (0, 1, 10, 25, 60))
# However many jobs end at once: with the regular polls at most these in half a minute.
WINDOW = timedelta(seconds=30)
MAX_QUEUE_READINGS = 3
MAX_ACCOUNTING_READINGS = 12


def check_hints(clusters: Sequence[Cluster], now: datetime) -> bool:
    """Look up what is due; whether some of it should be looked up again within seconds."""
    waiting = JobHint.objects.filter(Q(cluster=None) | Q(cluster__in=clusters), checked_at=None)
    hints = [hint for hint in waiting.order_by("received_at")[:MAX_HINTS] if _is_due(hint, now)]
    if not hints or not clusters:
        return False
    asked: set[int] = set()
    for cluster in clusters:
        concerned = [hint for hint in hints if hint.cluster_id in (None, cluster.pk)]
        asked.update(_look_up(cluster, concerned, now))
    looked = JobHint.objects.filter(pk__in=asked)
    looked.update(looks=F("looks") + 1)
    settled = {hint.pk for hint in hints if hint.pk in asked and _is_settled(hint)}
    JobHint.objects.filter(Q(pk__in=settled) | Q(pk__in=asked, looks__gte=len(LOOK_AFTER))).update(
        checked_at=now
    )
    return any(hint.pk not in settled and hint.looks <= 1 for hint in hints)


def read_queue_soon(cluster: Cluster, now: datetime) -> None:
    """So that who has just submitted sees the job at once; many submissions share few readings."""
    if _may_read_queue(cluster, now):
        ask(cluster, "squeue")


def _may_read_queue(cluster: Cluster, now: datetime) -> bool:
    many = _readings(cluster, "squeue", now) >= MAX_QUEUE_READINGS
    return not many and is_due(cluster, "squeue", interval("queue"), now)


def _is_due(hint: JobHint, now: datetime) -> bool:
    pause = LOOK_AFTER[min(hint.looks, len(LOOK_AFTER) - 1)]
    return now - hint.received_at >= pause


def _look_up(cluster: Cluster, hints: Sequence[JobHint], now: datetime) -> set[int]:
    """The hints that this cluster's accounting has answered."""
    answered: set[int] = set()
    for start in range(0, len(hints), MAX_IDS_ASKED):
        some = hints[start : start + MAX_IDS_ASKED]
        if not is_due(cluster, "sacct", interval("accounting"), now):
            break
        if _readings(cluster, "sacct", now) >= MAX_ACCOUNTING_READINGS:
            break
        row = ask(cluster, "sacct", job_ids=sorted({hint.job_id for hint in some}))
        if row and row.ok:
            answered.update(hint.pk for hint in some)
    open_ones = [hint for hint in hints if not _is_settled(hint)]
    if open_ones and _may_read_queue(cluster, now):
        ask(cluster, "squeue")
    return answered


def _readings(cluster: Cluster, command: str, now: datetime) -> int:
    since = now - WINDOW
    return Poll.objects.filter(cluster=cluster, command=command, started_at__gt=since).count()


def _is_settled(hint: JobHint) -> bool:
    """Whether the job, or every task known of the array, has ended for good or waits again."""
    jobs = Job.objects.filter(Q(job_id=hint.job_id) | Q(array_job_id=hint.job_id))
    if hint.cluster_id:
        jobs = jobs.filter(cluster=hint.cluster_id)
    return (
        jobs.filter(is_final=True).exists()
        and not jobs.filter(is_final=False, start_at__isnull=False).exists()
    )
