"""Runs that exist before their job reports: started ones, and jobs that people hand over."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from tracker.models import Actor, ClusterAccount, Experiment, Job, Run, Submission
from tracker.models.submissions import MARK
from tracker.recording.audit import audit
from tracker.recording.following import bind
from tracker.recording.keys import config_sha256, create_key
from tracker.recording.submissions import mark_sent


def adopt_started(asked: Run, actor: Actor, now: datetime) -> Run | None:
    """The started run that this first create of its job means; None where it is another run.

    The job's name in its credential tells which; without one the only run is meant, or that of
    the same seed and configuration.
    """
    token = actor.token
    if token is None or token.submission_id is None:
        return None
    waiting = Run.objects.filter(submission=token.submission_id, announced_at=None)
    run = _meant(list(waiting.select_for_update()), asked, token.presented_by)
    if run is None:
        return None
    run.announced_at = now
    run.slurm_job_id = asked.slurm_job_id or run.slurm_job_id
    run.create_key = asked.create_key
    run.key = asked.key
    run.name = asked.name or run.name
    if asked.seed is not None:
        run.seed = asked.seed
    if asked.config:
        run.config, run.config_sha256 = asked.config, config_sha256(asked.config)
    run.save()
    audit(actor, "adopt", run, slurm_job_id=run.slurm_job_id)
    return run


def _meant(runs: list[Run], asked: Run, name: str) -> Run | None:
    named = [run for run in runs if run.pk == name]
    alike = [
        run for run in runs if (run.seed, run.config_sha256) == (asked.seed, asked.config_sha256)
    ]
    only = runs if len(runs) == 1 and runs[0].array_task_id is None else []
    return next(iter(named or alike or only), None)


def bind_marked(job: Job) -> None:
    """What the comment of a job asks for: ``queuecast:RUN`` is one that we sent, and
    ``queuecast:EXPERIMENT`` one that its user submitted and wants followed."""
    word = job.comment.removeprefix(MARK)
    if word == job.comment or not word.isalnum():
        return
    if word.isdigit() and len(word) < 19:
        if job.het_job_id in (None, job.job_id):  # of a heterogeneous job the leader
            _take_in(job, int(word))
        return
    # Only its own user's: a comment can be written by anybody.
    sent = Submission.objects.filter(cluster=job.cluster, mark=job.comment, unix_name=job.user)
    if submission := sent.exclude(state=Submission.State.SENT).first():
        mark_sent(submission, job.array_job_id or job.job_id, job.submit_at)


def _take_in(job: Job, experiment_pk: int) -> None:
    here = Q(cluster=None) | Q(cluster=job.cluster)
    experiment = Experiment.objects.filter(here, pk=experiment_pk, archived_at=None).first()
    accounts = ClusterAccount.objects.filter(cluster=job.cluster, unix_name=job.user)
    for account in accounts.select_related("user"):
        actor = Actor(account.user)
        if experiment and actor.may_create_run(experiment):
            adopt_job(job, experiment, actor=actor)
            return


def adopt_job(job: Job, experiment: Experiment, *, actor: Actor) -> tuple[Run, bool]:
    """The run of a job that was submitted elsewhere, and whether it is new."""
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).select_related("cluster").get(pk=job.pk)
        if known := Run.objects.filter(experiment=experiment, job=job).order_by("pk").first():
            return known, False
        run = Run(
            experiment=experiment,
            cluster=job.cluster,
            slurm_job_id=job.job_id,
            config_sha256=config_sha256({}),
            created_by=actor.user,
        )
        run.create_key = create_key(run, job.cluster_id)
        if known := Run.objects.filter(create_key=run.create_key).first():
            return known, False
        run.save(force_insert=True)
        bind(run, job)
        audit(actor, "adopt", run, experiment=experiment.pk, slurm_job_id=job.job_id)
        return run, True
