"""Array tasks that Slurm has forgotten: in no queue, and in no accounting.

Slurm 22.05 keeps no record of a waiting task that is cancelled by its own id (12_3) before it was
split off. Nobody will ever tell how such a task ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from tracker.models import Cluster, Job, Poll, Run
from tracker.recording import close_vanished, covers

# slurmctld tells slurmdbd late; a window of sacct that began so long after knows what there is.
ACCOUNTED_AFTER = timedelta(minutes=1)


def settle_vanished(cluster: Cluster, seen_at: datetime) -> int:
    """Runs of tasks that the queue read at ``seen_at`` and accounting since do not have; after our
    own scancel, which Slurm had accepted, they were cancelled, else they are UNKNOWN."""
    closed = 0
    for run in _in_question(cluster, seen_at):
        since = run.cancel_sent_at or run.submission.sent_at  # type: ignore[union-attr]
        if _is_told(run) or not _accounting_was_read(cluster, since + ACCOUNTED_AFTER):
            continue
        closed += close_vanished(run, at=seen_at)
    return closed


def _in_question(cluster: Cluster, seen_at: datetime) -> QuerySet[Run]:
    runs = Run.objects.filter(
        submission__cluster=cluster,
        submission__sent_at__lt=seen_at - ACCOUNTED_AFTER,
        array_task_id__isnull=False,
        slurm_job_id=None,  # never split off
        status__in=(Run.Status.PENDING, Run.Status.SUBMITTING),
    )
    return runs.select_related("submission", "job").defer("submission__script")


def _is_told(run: Run) -> bool:
    """Whether a row still stands for it: the array's own while it waits there, or as it ended."""
    if run.job and covers(run.job, run):
        return True
    array_id = run.submission.slurm_job_id  # type: ignore[union-attr]
    jobs = Job.objects.filter(cluster=run.cluster, array_job_id=array_id)
    jobs = jobs.filter(Q(array_task_id=run.array_task_id) | Q(array_task_id=None))
    return any(covers(job, run) for job in jobs)


def _accounting_was_read(cluster: Cluster, since: datetime) -> bool:
    good = Poll.objects.filter(cluster=cluster, command="sacct", ok=True, started_at__gt=since)
    return any("-j" not in argv for argv in good.values_list("argv", flat=True)[:20])
