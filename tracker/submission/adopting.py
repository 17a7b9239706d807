"""Adopt a job that was submitted elsewhere: from its pasted id to a run that follows it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tracker import recording
from tracker.models import Actor, Cluster, Experiment, Job, Run
from tracker.recording import ConflictError
from tracker.slurm.jobids import parse_job_id


def adopt_job(
    experiment: Experiment,
    *,
    actor: Actor,
    cluster: Cluster,
    shown_id: str,
    now: datetime,
    ring: Callable[[], None],
) -> tuple[Run, bool]:
    """The run, and whether it is new. ``shown_id`` is as people see it: 828, or 12_3 of an array.

    ConflictError for what is no id, for another user's job, and for one that no poll has seen;
    that one is looked up in accounting meanwhile, so that a second try may find it.
    """
    try:
        job_id = parse_job_id(shown_id.strip())
    except ValueError as error:
        raise ConflictError("slurm_job_id", str(error)) from None
    jobs = Job.objects.filter(cluster=cluster)
    jobs = (
        jobs.filter(job_id=job_id.base)
        if job_id.task is None
        else jobs.filter(array_job_id=job_id.base, array_task_id=job_id.task)
    )
    job = jobs.order_by("-first_submit_at").first()
    if job is None or not actor.jobs(cluster).filter(pk=job.pk).exists():
        recording.remember_hint(job_id, cluster=cluster, said_status="adopt", now=now)
        ring()
        raise ConflictError(
            "slurm_job_id",
            f"{shown_id} has not been seen on {cluster} yet. It is being looked up: try again in "
            "half a minute, if the number is right",
        )
    if job.user != actor.unix_name(cluster):
        raise ConflictError(
            "slurm_job_id", f"{shown_id} is a job of {job.user}, and only its own user adopts it"
        )
    run, is_new = recording.adopt_job(job, experiment, actor=actor)
    if run.deleted_at:
        raise ConflictError(
            "slurm_job_id", f"{shown_id} is followed by run {run.pk}, which is deleted: restore it"
        )
    return run, is_new
