"""Cancel: the wish is a row at once, scancel follows, and Slurm tells what became of the job."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from django.core.cache import cache
from django.db import transaction
from django.db.models import Q, QuerySet

from tracker import recording
from tracker.models import Actor, Cluster, Run, Submission
from tracker.models.submissions import SCRIPT_OF_RUN
from tracker.reach import acting, why_closed
from tracker.recording import ConflictError
from tracker.slurm.door import SUBMIT_TIMEOUT_S
from tracker.slurm.errors import SlurmRefused, SlurmUnavailable
from tracker.slurm.jobids import parse_job_id

logger = logging.getLogger(__name__)


def ask_cancel(run: Run, *, actor: Actor, now: datetime, ring: Callable[[], None]) -> None:
    """Cancel the run's job, and with it every run of that job.

    ConflictError where it has ended, has no job, or is another unix user's.
    """
    if not run.is_open:
        raise ConflictError("status", f"is {run.status}: it has ended already")
    submission = run.submission
    is_alone = submission is not None and len(submission.runs.all()[:2]) == 1
    if submission and is_alone and recording.withdraw(submission, actor, now):
        return
    if why := why_not_cancel(run, actor):
        raise ConflictError("cluster", why)
    with transaction.atomic():
        _wish(Run.objects.filter(pk=run.pk), now)
        recording.audit(actor, "cancel", run)
    ring()


def why_not_cancel(run: Run, actor: Actor) -> str:
    """Why this actor cannot cancel the run's job; empty where it can."""
    owner = owner_of(run)
    if run.cluster is None or owner is None:
        return "It names no job that Slurm has shown: there is nothing to cancel."
    mine = actor.unix_name(run.cluster)
    if why := why_closed(run.cluster, mine):
        return why
    if mine != owner:
        return (
            f"Its job is {owner}'s, and you are {mine} on {run.cluster}: only {owner} cancels it."
        )
    return ""


def owner_of(run: Run) -> str | None:
    """The unix user of its job, or as whom it is submitted; None where neither is known."""
    if run.job:
        return run.job.user
    return run.submission.unix_name if run.submission else None


def ask_cancel_all(
    actor: Actor, cluster: Cluster, *, now: datetime, ring: Callable[[], None]
) -> int:
    """Cancel the jobs of every open run that runs, or will, as this actor there; their number."""
    mine = actor.unix_name(cluster)
    if why := why_closed(cluster, mine):
        raise ConflictError("cluster", why)
    runs = own_open_runs(actor, cluster)
    waiting = Submission.objects.filter(runs__in=runs, state=Submission.State.WAITING)
    for submission in waiting.distinct():
        recording.withdraw(submission, actor, now)
    with transaction.atomic():
        count = _wish(own_open_runs(actor, cluster), now)
        recording.audit(actor, "cancel", cluster, runs=count, unix_name=mine)
    if count:
        ring()
    return count


def own_open_runs(actor: Actor, cluster: Cluster) -> QuerySet[Run]:
    mine = actor.unix_name(cluster)
    theirs = Q(job__user=mine) | Q(job=None, submission__unix_name=mine)
    return actor.runs().filter(theirs, cluster=cluster, status__in=Run.OPEN)


def _wish(runs: QuerySet[Run], now: datetime) -> int:
    # A second wish is sent again: the first may have come before Slurm knew the job.
    return runs.update(cancel_asked_at=now, cancel_sent_at=None)


def send_cancels(now: datetime) -> None:
    """Give scancel what people asked for, one call a unix user; what gets no answer stays asked."""
    asked = Run.objects.filter(
        cancel_asked_at__isnull=False, cancel_sent_at=None, status__in=Run.OPEN
    )
    by_user: dict[tuple[Cluster, str], list[Run]] = defaultdict(list)
    for run in asked.select_related("cluster", "job", "submission").defer(SCRIPT_OF_RUN):
        owner = owner_of(run)
        if shown_id(run) and run.cluster and owner:
            by_user[run.cluster, owner].append(run)
    for (cluster, user), runs in by_user.items():
        _send(cluster, user, runs, now)


def _send(cluster: Cluster, user: str, runs: list[Run], now: datetime) -> None:
    turn = f"scancel-{cluster.pk}-{user}"
    if not cache.add(turn, 1, timeout=SUBMIT_TIMEOUT_S):
        return  # another worker is at it; the next beat looks what is left
    ids = _fewest_ids(runs)
    mine = Run.objects.filter(pk__in=[run.pk for run in runs])
    try:
        acting(cluster, user).cancel(ids)
    except SlurmUnavailable as silence:
        logger.warning("scancel of %s on %s: %s", user, cluster, silence)
        return
    except SlurmRefused as refused:
        logger.warning("scancel of %s on %s: %s", user, cluster, refused)
        mine.update(cancel_asked_at=None, message=f"scancel: {refused}"[:10_000])
        return
    finally:
        cache.delete(turn)
    mine.update(cancel_sent_at=now)
    for one in ids:
        recording.remember_hint(parse_job_id(one), cluster=cluster, said_status="scancel", now=now)


def _fewest_ids(runs: list[Run]) -> list[str]:
    """Each id costs slurmctld a request: an array that goes as a whole is one. And of waiting
    tasks that are cancelled one by one Slurm 22.05 keeps no record."""
    ids = {shown_id(run) for run in runs if run.array_task_id is None}
    tasks: dict[Submission, list[Run]] = defaultdict(list)
    for run in runs:
        if run.submission and run.array_task_id is not None:
            tasks[run.submission].append(run)
    for submission, some in tasks.items():
        open_runs = submission.runs.filter(status__in=Run.OPEN)
        stays = open_runs.exclude(pk__in=[run.pk for run in some]).exists()
        ids |= {shown_id(run) for run in some} if stays else {str(submission.slurm_job_id)}
    return sorted(ids)


def shown_id(run: Run) -> str:
    """As scancel takes it; empty while Slurm has not told of a job."""
    if run.submission and run.array_task_id is not None:
        array_id = run.submission.slurm_job_id
        return f"{array_id}_{run.array_task_id}" if array_id else ""
    if run.job:
        return run.job.shown_id if run.job.array_task_id is not None else str(run.job.job_id)
    return str(run.slurm_job_id or "")
