"""Creating runs, and what a run says of itself."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from tracker.models import Actor, Artifact, Cluster, Experiment, Job, Run
from tracker.recording.adoption import adopt_started
from tracker.recording.audit import audit
from tracker.recording.errors import ConflictError
from tracker.recording.following import bind, may_follow, newest_attempt, rank, reopen
from tracker.recording.keys import config_sha256, create_key
from tracker.recording.notices import tell_of


def create_run(
    experiment: Experiment,
    *,
    actor: Actor,
    cluster: Cluster | None = None,
    slurm_job_id: int | None = None,
    seed: int | None = None,
    config: dict[str, object] | None = None,
    key: str = "",
    name: str = "",
) -> tuple[Run, bool]:
    """The run of this create key, and whether it is new. A null job id is always a new run.

    ``name`` is what a run is called at first, and no part of the key: a repeat renames nothing.
    ``cluster`` is the one that the request names; ConflictError where it is needed and absent.
    """
    config = config or {}
    cluster = _cluster_of(experiment, actor, cluster, slurm_job_id)
    run = Run(
        experiment=experiment,
        cluster=cluster,
        submission=actor.token.submission if actor.token else None,
        slurm_job_id=slurm_job_id,
        seed=seed,
        config=config,
        config_sha256=config_sha256(config),
        key=key,
        name=name,
        created_by=actor.user,
    )
    run.create_key = create_key(run, run.cluster_id)
    with transaction.atomic():
        known = _same_run(run) or adopt_started(run, actor, timezone.now()) or _save_or_find(run)
        if known is None:
            audit(actor, "create", run, experiment=experiment.pk, slurm_job_id=slurm_job_id)
    # Only now: a poll that is being stored meanwhile either sees this run, or we see its job.
    run = known or run
    if run.job is None:
        _bind_to_job(run)
    elif known:
        reopen(run)
    return run, known is None


def update_run(
    run: Run,
    *,
    actor: Actor,
    status: str | None = None,
    exit_code: int | None = None,
    message: str | None = None,
    at: datetime,
) -> Run:
    """A run's own word about itself; what is None is left as it is.

    A final status said before the job's end stands for the run. Said after it, the end that the
    job decided stays. Raises ConflictError for a word that would take the run backwards.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        before = run.status
        if status is not None:
            _say(run, status, exit_code, at)
        if message is not None:
            run.message = message
        run.save()
        if status is not None:
            tell_of([run], at)
        audit(actor, "update", run, was=before, said=status, exit_code=exit_code)
        return run


def finish_run(
    run: Run,
    *,
    actor: Actor,
    status: str,
    exit_code: int | None = None,
    message: str | None = None,
    at: datetime,
) -> Run:
    """``update_run`` with a final status."""
    if status in Run.OPEN:
        raise ValueError(f"{status} is no final status; give one such as COMPLETED or FAILED")
    return update_run(run, actor=actor, status=status, exit_code=exit_code, message=message, at=at)


def add_artifact(run: Run, *, actor: Actor, kind: str, path: str) -> tuple[Artifact, bool]:
    """Remember a path on shared storage; told twice, it is kept once."""
    with transaction.atomic():
        artifact, is_new = Artifact.objects.get_or_create(
            run=run, kind=kind, path=path, defaults={"told_by": actor.user}
        )
        if is_new:
            audit(actor, "create", artifact, run=run.pk)
        return artifact, is_new


def _say(run: Run, status: str, exit_code: int | None, at: datetime) -> None:
    attempt = newest_attempt(run.job) if run.job else run.attempt
    if not run.is_open and not run.closed_by_client and attempt == run.attempt:
        return  # the job's end came first, and decides
    if (attempt, rank(status)) < (run.attempt, rank(run.status)) or (
        run.closed_by_client and attempt == run.attempt and status != run.status
    ):
        raise ConflictError(
            "status", f"{status} cannot follow {run.status}: a run does not go backwards"
        )
    is_end = status not in Run.OPEN
    if is_end and (status, attempt) == (run.status, run.attempt):
        return  # a repeat keeps the first time and exit code
    run.status, run.attempt, run.closed_by_client = status, attempt, is_end
    run.exit_code = exit_code
    run.ended_at = at if is_end else None
    if status == Run.Status.RUNNING and run.started_at is None:
        run.started_at = at


def _cluster_of(
    experiment: Experiment, actor: Actor, named: Cluster | None, slurm_job_id: int | None
) -> Cluster | None:
    """The token's cluster, else the named, else the experiment's, else the only one there is."""
    bound = actor.token.cluster if actor.token else None
    if bound and named and bound != named:
        raise ConflictError(
            "cluster", f"{named} is not the token's cluster: give {bound}, or leave it"
        )
    if chosen := bound or named or experiment.cluster:
        return chosen
    clusters = list(Cluster.objects.all()[:2])
    if len(clusters) > 1 and slurm_job_id is not None:
        names = ", ".join(Cluster.objects.values_list("name", flat=True))
        raise ConflictError(
            "cluster", f"null leaves open whose job {slurm_job_id} is: give {names}"
        )
    return clusters[0] if len(clusters) == 1 else None


def _same_run(run: Run) -> Run | None:
    """The run that an earlier create with the same key made, also one made before any cluster
    was known."""
    if run.create_key is None:
        return None
    keys = [run.create_key, create_key(run, None)]
    return Run.objects.filter(create_key__in=keys).order_by("pk").first()


def _save_or_find(run: Run) -> Run | None:
    """None once saved; else the run of the same create that came in between."""
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        if known := _same_run(run):
            return known
        raise
    return None


def _bind_to_job(run: Run) -> None:
    """Link to the newest job with the run's id, where a poll has seen it."""
    if run.slurm_job_id is None:
        return
    with transaction.atomic():
        jobs = Job.objects.filter(job_id=run.slurm_job_id).order_by("-first_submit_at")
        if run.cluster:
            jobs = jobs.filter(cluster=run.cluster)
        # Locked, so that a poll that moves the job on comes before this or finds the run.
        job = jobs.select_for_update(of=("self",)).select_related("cluster").first()
        if job and may_follow(run, job):
            bind(run, job)
