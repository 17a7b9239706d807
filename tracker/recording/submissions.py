"""How a submission and its runs move on. Each step is a conditional UPDATE: done once, by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from tracker.models import Actor, Cluster, Experiment, Run, Submission, Token
from tracker.recording.audit import audit
from tracker.recording.keys import config_sha256, create_key
from tracker.recording.notices import tell_of

State = Submission.State
Status = Run.Status


def record_start(
    experiment: Experiment,
    *,
    actor: Actor,
    cluster: Cluster,
    unix_name: str,
    key: str,
    frozen: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
) -> Submission:
    """``frozen``: request, script, argv and mark. ``runs``: id, seed, config, task, folder."""
    with transaction.atomic():
        submission = Submission.objects.create(
            experiment=experiment,
            cluster=cluster,
            unix_name=unix_name,
            created_by=actor.user,
            key=key,
            **frozen,
        )
        Run.objects.bulk_create(
            Run(
                experiment=experiment,
                cluster=cluster,
                submission=submission,
                created_by=actor.user,
                status=Status.SUBMITTING,
                config_sha256=config_sha256(run["config"]),
                **run,
            )
            for run in runs
        )
        audit(actor, "start", submission, runs=len(runs), unix_name=unix_name, mark=submission.mark)
        return submission


def claim(pk: int, now: datetime) -> Submission | None:
    """The submission, for this worker alone to send; None where another has it or it is over."""
    ours = Submission.objects.filter(pk=pk, state=State.WAITING)
    if not ours.update(state=State.CLAIMED, claimed_at=now, tries=F("tries") + 1, error=""):
        return None
    return Submission.objects.select_related("experiment", "cluster", "created_by").get(pk=pk)


def token_for(submission: Submission, now: datetime) -> str:
    """The secret that the job is given. One of an earlier try opens nothing any more."""
    with transaction.atomic():
        Token.objects.live(now).filter(submission=submission).update(revoked_at=now)
        _, secret = Token.issue(
            user=submission.created_by,
            scope=Token.Scope.RUN,
            label=f"job of submission {submission.pk}",
            experiment=submission.experiment,
            submission=submission,
            cluster=submission.cluster,
        )
        return secret


def revoke_idle_tokens(ended_before: datetime, now: datetime) -> int:
    """Of jobs whose every run ended so long ago that no requeue brings it back."""
    busy = Run.objects.filter(Q(status__in=Run.OPEN) | Q(ended_at__gte=ended_before))
    idle = Token.objects.live(now).filter(submission__isnull=False)
    idle = idle.exclude(submission__in=busy.exclude(submission=None).values("submission"))
    return idle.filter(created_at__lt=ended_before).update(revoked_at=now)


def mark_sent(submission: Submission, job_id: int, at: datetime) -> bool:
    """Slurm has it, by sbatch's own word or by the mark on a job; False where that was known."""
    with transaction.atomic():
        ours = Submission.objects.filter(pk=submission.pk)
        was_given_up = ours.filter(state__in=_GIVEN_UP).exists()
        unknown = ours.exclude(state=State.SENT)
        if not unknown.update(state=State.SENT, slurm_job_id=job_id, sent_at=at, error=""):
            return False
        if was_given_up:  # in error: the job is there, and will report
            newest = Token.objects.filter(submission=submission).order_by("-pk").first()
            Token.objects.filter(pk=newest and newest.pk).update(revoked_at=None)
        runs = list(submission.runs.select_for_update().filter(_STANDS_BEFORE_SLURM))
        for run in runs:
            run.status, run.reason, run.message, run.ended_at = Status.PENDING, "", "", None
            if run.array_task_id is None:
                run.slurm_job_id = job_id
                run.create_key = run.create_key or create_key(run, run.cluster_id)
        changed = ["status", "reason", "message", "ended_at", "slurm_job_id", "create_key"]
        Run.objects.bulk_update(runs, changed)
        return True


_GIVEN_UP = (State.REFUSED, State.WITHDRAWN)
_BEFORE_SLURM = (Status.SUBMITTING, Status.UNKNOWN)
_STANDS_BEFORE_SLURM = Q(status__in=_BEFORE_SLURM) | Q(
    status__in=(Status.FAILED, Status.CANCELLED),
    reason__in=[state.capitalize() for state in _GIVEN_UP],
)


def mark_refused(submission: Submission, error: str, at: datetime) -> None:
    """Slurm said no: no job ever was, and the runs have failed with its words."""
    with transaction.atomic():
        if _end(submission, (State.CLAIMED,), State.REFUSED, error=error, at=at):
            tell_of(submission.runs.filter(status=Status.FAILED), at)


def withdraw(submission: Submission, actor: Actor, at: datetime) -> bool:
    """Take it back before it is sent; False where it is on its way."""
    with transaction.atomic():
        open_ones = (State.WAITING, State.UNCLEAR)
        done = _end(submission, open_ones, State.WITHDRAWN, at=at)
        if done:
            audit(actor, "withdraw", submission)
        return done


def mark_unclear(submission: Submission, why: str) -> bool:
    """Nobody can tell whether Slurm has it: its runs are UNKNOWN until a person decides."""
    with transaction.atomic():
        ours = Submission.objects.filter(pk=submission.pk, state=State.CLAIMED)
        if not ours.update(state=State.UNCLEAR, error=why):
            return False
        submission.runs.filter(status=Status.SUBMITTING).update(
            status=Status.UNKNOWN, reason="SubmissionUnclear"
        )
        return True


def note_silence(submission: Submission, why: str) -> None:
    """Nobody answered while it was sent; it stays claimed until the polls have told."""
    Submission.objects.filter(pk=submission.pk, state=State.CLAIMED).update(error=why)


def send_again(submission: Submission) -> bool:
    """Back to waiting, once it is known or decided that no job carries its mark."""
    with transaction.atomic():
        ours = Submission.objects.filter(pk=submission.pk, state__in=(State.CLAIMED, State.UNCLEAR))
        if not ours.update(state=State.WAITING, claimed_at=None):
            return False
        submission.runs.filter(status=Status.UNKNOWN).update(status=Status.SUBMITTING, reason="")
        return True


_RUN_ENDS_AS = {State.REFUSED: Status.FAILED, State.WITHDRAWN: Status.CANCELLED}


def _end(
    submission: Submission, states: Sequence[str], state: State, *, error: str = "", at: datetime
) -> bool:
    """It will never be sent: its runs end, and its token opens nothing."""
    with transaction.atomic():
        ours = Submission.objects.filter(pk=submission.pk, state__in=states)
        if not ours.update(state=state, error=error):
            return False
        Token.objects.live(at).filter(submission=submission).update(revoked_at=at)
        submission.runs.filter(status__in=_BEFORE_SLURM).update(
            status=_RUN_ENDS_AS[state], reason=state.capitalize(), message=error, ended_at=at
        )
        return True
