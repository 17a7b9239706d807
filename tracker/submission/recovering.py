"""Submissions whose sending nobody saw end: the polls tell whether Slurm has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tracker import recording
from tracker.models import Actor, Job, Poll, Submission
from tracker.recording import ConflictError
from tracker.slurm.door import SUBMIT_TIMEOUT_S

State = Submission.State
# sbatch is dead by then, whoever started it, and what it had sent has been worked off.
SETTLE = timedelta(seconds=SUBMIT_TIMEOUT_S + 30)
BELL_LOST_AFTER = timedelta(seconds=15)
MAX_TRIES = 3


def recover(now: datetime, ring: Callable[[int], None]) -> None:
    """Ring again for what waits, and decide what was claimed and never answered.

    A job with the mark is found by the polls themselves (``recording.bind_marked``). Without one
    it is sent again only after two whole readings of the queue and one of accounting, all begun
    after the old sbatch was dead.
    """
    waiting = Submission.objects.filter(state=State.WAITING, created_at__lt=now - BELL_LOST_AFTER)
    for pk in waiting.values_list("pk", flat=True):
        ring(pk)
    claimed = Submission.objects.filter(state=State.CLAIMED, claimed_at__lt=now - SETTLE)
    for submission in claimed.select_related("cluster"):
        _decide(submission, ring)


def _decide(submission: Submission, ring: Callable[[int], None]) -> None:
    if not _has_been_looked_for(submission):
        return
    if why := _why_unclear(submission):
        recording.mark_unclear(submission, why)
    elif recording.send_again(submission):
        ring(submission.pk)


def _has_been_looked_for(submission: Submission) -> bool:
    settled_at = submission.claimed_at + SETTLE  # type: ignore[operator]
    polls = Poll.objects.filter(cluster=submission.cluster, ok=True, started_at__gt=settled_at)
    if polls.filter(command="squeue").count() < 2:
        return False
    # A window of accounting reaches back to the one before, those of single ids do not.
    return any(
        "-j" not in argv for argv in polls.filter(command="sacct").values_list("argv", flat=True)
    )


def _why_unclear(submission: Submission) -> str:
    """Why the missing mark does not prove that there is no job; empty where it does."""
    if submission.tries >= MAX_TRIES:
        return f"It was sent {submission.tries} times without an answer. {submission.error}".strip()
    theirs = Job.objects.filter(cluster=submission.cluster, user=submission.unix_name)
    if submission.cluster.hides_jobs and not theirs.exists():
        return "The cluster may hide the jobs of its users from the service (PrivateData)."
    name = submission.request.get("job_name", "")
    since = submission.claimed_at - timedelta(minutes=1)  # type: ignore[operator]
    alike = theirs.filter(name=name, submit_at__gte=since).exclude(comment__startswith="queuecast:")
    if job := alike.first():
        return f"Job {job.shown_id} has its name and no mark: it may be the one."
    return ""


def decide_unclear(
    submission: Submission,
    *,
    actor: Actor,
    job_id: int | None,
    at: datetime,
    ring: Callable[[int], None],
) -> None:
    """A person's word: this is its job; or, with None, there is none and it is to be sent again.

    Raises ConflictError where it is not unclear, or the job is not one of its user.
    """
    if submission.state != State.UNCLEAR:
        raise ConflictError("state", f"is {submission.state}: there is nothing to decide")
    if job_id is None:
        if recording.send_again(submission):
            recording.audit(actor, "resubmit", submission)
            ring(submission.pk)
        return
    theirs = Job.objects.filter(cluster=submission.cluster, user=submission.unix_name)
    if not theirs.filter(job_id=job_id).exists():
        raise ConflictError(
            "slurm_job_id",
            f"{job_id} is no job of {submission.unix_name} that has been seen on "
            f"{submission.cluster}; give one, or wait for the next poll",
        )
    if recording.mark_sent(submission, job_id, at):
        recording.audit(actor, "identify", submission, slurm_job_id=job_id)
