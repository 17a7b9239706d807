"""Runs follow their job: status, reason, attempt, times and exit code.

Order is (attempt, rank). A requeue starts the next attempt and may go RUNNING -> PENDING; within
an attempt nothing goes backwards. A run closed by its own last word keeps it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from tracker.models import Actor, Job, Run
from tracker.recording.keys import create_key
from tracker.recording.notices import tell_of
from tracker.slurm.states import REQUEUE_STATES, run_status

Status = Run.Status
MAX_TASKS_BOUND = 10_000  # of one array; a start makes at most a tenth of that
_RANK = {
    Status.CREATED: 0,
    Status.SUBMITTING: 1,
    # Undecided is no step ahead: it never hides RUNNING, and any word of Slurm replaces it.
    Status.UNKNOWN: 1,
    Status.PENDING: 2,
    Status.RUNNING: 3,
    Status.SUSPENDED: 3,
}


def rank(status: str) -> int:
    """Of two statuses of one attempt the higher rank is the later; all ends rank alike."""
    return _RANK.get(Status(status), 4)


def newest_attempt(job: Job) -> int:
    return job.attempts.order_by("-number").values_list("number", flat=True).first() or 0


def follow_job(job: Job) -> int:
    """Bring the runs of a job up to its newest attempt; the number of runs that changed."""
    with transaction.atomic():
        runs = [run for run in job.runs.select_for_update().order_by("pk") if covers(job, run)]
        if not runs:
            return 0
        attempt = newest_attempt(job)
        for run in runs:
            # Of several runs of a job nobody knows which goes on; each says so itself.
            if len(runs) == 1 and _may_reopen(run, attempt):
                run.closed_by_client = False
                run.save(update_fields=["closed_by_client"])
        return sum(take_state(run, job, attempt) for run in runs if not run.closed_by_client)


def covers(job: Job, run: Run) -> bool:
    """Whether the job is the run's: the row of an array stands for the tasks not split off yet,
    and in the end for the last of them alone."""
    task = run.array_task_id
    if task is None or job.array_job_id is None:
        return True
    return job.array_task_id == task or (job.array_task_id is None and task in job.array_tasks)


def close_vanished(run: Run, at: datetime) -> bool:
    """A task that Slurm has forgotten: cancelled where we had told Slurm to, and it had agreed;
    else nobody knows."""
    status, reason = Status.UNKNOWN, "TaskVanished"
    if run.cancel_sent_at:
        status, reason = Status.CANCELLED, "CancelledWhileWaiting"
    ended_at = at if status == Status.CANCELLED else None
    with transaction.atomic():
        waiting = Run.objects.filter(pk=run.pk, status=run.status)
        if not waiting.update(status=status, reason=reason, ended_at=ended_at):
            return False
        tell_of(Run.objects.filter(pk=run.pk), at)
        return True


def reopen(run: Run) -> None:
    """A run that gave its last word in an earlier attempt of its job and now reports again goes on
    with it. COMPLETED stands: what is complete is not run again."""
    if run.job and _may_reopen(run, newest_attempt(run.job)):
        run.closed_by_client = False
        run.save(update_fields=["closed_by_client"])
        take_state(run, run.job, newest_attempt(run.job))


def _may_reopen(run: Run, attempt: int) -> bool:
    return run.closed_by_client and attempt > run.attempt and run.status != Status.COMPLETED


def bind_runs(job: Job) -> int:
    """Link runs that were created before their job was known, and let them follow it.

    A run whose cluster was not known either is bound to the job's, and its create key with it.
    """
    with transaction.atomic():
        waiting = _waiting_for(job).select_for_update().order_by("pk")
        runs = [run for run in waiting if may_follow(run, job)]
        runs += _tasks_of(job)
        for run in runs:
            bind(run, job)
        return len(runs)


def may_follow(run: Run, job: Job) -> bool:
    """Where a cluster hides jobs, whoever names another's id in a create must learn nothing."""
    if not job.cluster.hides_jobs:
        return True
    creator = run.created_by
    return creator is not None and Actor(creator).jobs(job.cluster).filter(pk=job.pk).exists()


def bind(run: Run, job: Job) -> None:
    """Link a run to its job and bring it up to it."""
    run.job = job
    run.cluster = job.cluster
    if run.announced_at is None:
        run.create_key = _rebound_key(run)
    run.save(update_fields=["job", "cluster", "create_key", "updated_at"])
    if not run.closed_by_client:
        take_state(run, job, newest_attempt(job))


def take_state(run: Run, job: Job, attempt: int) -> bool:
    """Copy the job's newest attempt to the run; False where that would change nothing."""
    status = _status_of(job)
    goes_back = attempt == run.attempt and rank(status) < rank(run.status)
    if attempt < run.attempt or (goes_back and not job.is_final):
        return False
    facts: dict[str, object] = {
        "status": status,
        "reason": job.reason,
        "attempt": attempt,
        "submitted_at": job.submit_at,
        "started_at": job.start_at,
        "ended_at": job.end_at,
        "exit_code": job.exit_code,
    }
    if run.array_task_id is not None and job.array_task_id == run.array_task_id:
        facts["slurm_job_id"] = job.job_id  # known only once the task is split off
    changed = [name for name, value in facts.items() if getattr(run, name) != value]
    if not changed:
        return False
    for name in changed:
        setattr(run, name, facts[name])
    run.save(update_fields=[*changed, "updated_at"])
    tell_of([run], job.changed_at)
    return True


def _status_of(job: Job) -> Status:
    if job.is_final and job.state in REQUEUE_STATES:
        # Accounting ended an attempt as requeued, and no queue holds the next: nobody knows more.
        return Status.UNKNOWN
    return Status(run_status(job.state))


def _waiting_for(job: Job) -> QuerySet[Run]:
    return Run.objects.filter(
        Q(cluster=job.cluster) | Q(cluster=None), job=None, slurm_job_id=job.job_id
    )


def _tasks_of(job: Job) -> list[Run]:
    """Runs of a started array that this row stands for and that are not its own yet."""
    if job.array_job_id is None:
        return []
    tasks = job.array_tasks if job.array_task_id is None else [job.array_task_id]
    waiting = Run.objects.filter(
        submission__cluster=job.cluster,
        submission__slurm_job_id=job.array_job_id,
        submission__unix_name=job.user,
        array_task_id__in=tasks[:MAX_TASKS_BOUND],
    )
    others = waiting.exclude(job=job) | waiting.filter(job=None)
    return list(others.select_for_update(of=("self",)).order_by("pk"))


def _rebound_key(run: Run) -> str | None:
    """The create key under the run's cluster, so that a repeat that names it finds this run."""
    key = create_key(run, run.cluster_id)
    taken = Run.objects.filter(create_key=key).exclude(pk=run.pk).exists()
    return run.create_key if key and taken else key
