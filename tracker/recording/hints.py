from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from tracker.models import Cluster, Job, JobHint
from tracker.slurm.jobids import JobId


def remember_hint(
    job_id: JobId, *, cluster: Cluster | None, said_status: str, now: datetime
) -> JobHint:
    """A reason to look a job up soon; a repeat is counted on the hint that still waits.

    The job need not be known yet. An array task is kept under its own raw id where that is known,
    else under its array's: Slurm tells of all tasks when asked for that.
    """
    identity = {"cluster": cluster, "job_id": _raw_id(job_id, cluster), "checked_at": None}
    with transaction.atomic():
        if hint := _count_again(identity, said_status, now):
            return hint
        try:
            with transaction.atomic():
                return JobHint.objects.create(**identity, said_status=said_status, received_at=now)
        except IntegrityError:
            # Another request remembered it in between.
            if hint := _count_again(identity, said_status, now):
                return hint
            raise


def _count_again(identity: dict[str, object], said_status: str, now: datetime) -> JobHint | None:
    waiting = JobHint.objects.filter(**identity)
    counted = waiting.update(times=F("times") + 1, said_status=said_status, received_at=now)
    return waiting.first() if counted else None


def _raw_id(job_id: JobId, cluster: Cluster | None) -> int:
    if job_id.task is None:
        return job_id.base
    tasks = Job.objects.filter(array_job_id=job_id.base, array_task_id=job_id.task)
    if cluster:
        tasks = tasks.filter(cluster=cluster)
    newest = tasks.order_by("-first_submit_at").first()
    return newest.job_id if newest else job_id.base
