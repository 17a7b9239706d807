"""How a run stands, in plain words: what the top of its page says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.models import Attempt, Run, Submission
from tracker.slurm.reasons import explain
from tracker.templatetags.queuecast import minutes, waited_s

Status = Run.Status
# Of states that need no look at the run: what happened, and what can be done about it.
WORDS = {
    Status.SUBMITTING: ("On its way to Slurm", ""),
    Status.SUSPENDED: ("It keeps its nodes and goes on when it is resumed", ""),
    Status.UNKNOWN: (
        "Neither the queue nor accounting has its job now",
        "Both are asked again at every poll.",
    ),
    Status.COMPLETED: ("Ran to its end", ""),
    Status.CANCELLED: ("Stopped by hand", ""),
    Status.TIMEOUT: (
        "Stopped at its time limit",
        "Ask for more time, or resume from a checkpoint.",
    ),
    Status.OUT_OF_MEMORY: ("Killed: it ran out of memory", "Ask for more memory."),
    Status.NODE_FAIL: (
        "Ended by a node that failed",
        "The job did nothing wrong: submit it again.",
    ),
    Status.PREEMPTED: ("Stopped to make room for a job of higher priority", "Submit it again."),
    Status.BOOT_FAIL: ("Never ran: its node did not boot", "Submit it again."),
    Status.DEADLINE: ("Stopped at its deadline", "Give a later deadline or a shorter limit."),
}
TONES = {
    Status.PENDING: "wait",
    Status.SUBMITTING: "wait",
    Status.COMPLETED: "ok",
    Status.CANCELLED: "",
}
# Before Slurm's own words stands what was started and how it ended.
_COMMAND = re.compile(r"^\S+ .*? ended with exit code [0-9]+: ")
_PROGRAM = re.compile(r"\bs(?:batch|cancel): error: ")


@dataclass(frozen=True, slots=True)
class Standing:
    """``tone`` is the colour of the answer: "", wait, ok or bad. Seconds are None where unknown."""

    headline: str
    detail: str
    tone: str
    waited_s: float | None
    ran_s: float | None
    limit_at: datetime | None  # when its time limit ends it, while it runs
    said: str = ""  # what the run or Slurm said besides

    @classmethod
    def of(cls, run: Run, attempt: Attempt | None, now: datetime) -> Standing:
        headline, detail = _words(run, attempt)
        tone = TONES.get(run.status, "" if run.is_open else "bad")
        limit_at = None
        if run.status == Status.RUNNING and run.started_at and run.job and run.job.limit_minutes:
            limit_at = run.started_at + timedelta(minutes=run.job.limit_minutes)
        end = run.ended_at or now
        return cls(
            headline=headline,
            detail=detail,
            tone=tone,
            waited_s=waited_s(run, now),
            ran_s=(end - run.started_at).total_seconds() if run.started_at else None,
            limit_at=limit_at,
            said=_said(run),
        )


def _words(run: Run, attempt: Attempt | None) -> tuple[str, str]:
    if run.status == Status.PENDING:
        because = explain(run.reason)
        return because.why.rstrip("."), because.cure
    if run.status == Status.RUNNING:
        return (f"On {attempt.node_list}" if attempt and attempt.node_list else "Going on"), ""
    if run.status == Status.CREATED:
        return _words_of_created(run)
    if run.submission and (words := _words_of_submission(run, run.submission)):
        return words
    if run.status == Status.FAILED:
        return f"Ended {_failure(run, attempt)}", "The log of the job tells why."
    headline, detail = WORDS[Status(run.status)]
    if run.status == Status.TIMEOUT and run.job and run.job.limit_minutes:
        headline += f" of {minutes(run.job.limit_minutes)}"
    return headline, detail


def _words_of_submission(run: Run, submission: Submission) -> tuple[str, str] | None:
    """Of a run whose standing is that of its submission: Slurm has no job of it yet, or never."""
    if run.status == Status.SUBMITTING and submission.error:
        headline = "Slurm does not answer; it is looked for and sent again when it does"
        return headline, submission.error
    if run.status == Status.SUBMITTING and submission.state == Submission.State.CLAIMED:
        return "Being sent to Slurm", ""
    match run.reason:
        case "Refused":
            return f"Slurm refused it: {slurms_words(run.message).rstrip('.')}", ""
        case "Withdrawn":
            return "Taken back before Slurm had it", "Nothing of it ran."
        case "SubmissionUnclear":
            return "Nobody knows whether Slurm has its job", "Somebody has to say so."
    return None


def slurms_words(message: str) -> str:
    """What a refused command wrote, without what we put before it."""
    return _PROGRAM.sub("", _COMMAND.sub("", message))


def _said(run: Run) -> str:
    if run.reason == "Refused" or not run.message:
        return ""  # the headline says it
    if run.message.startswith("scancel: "):
        words = slurms_words(run.message.removeprefix("scancel: "))
        return f"It could not be cancelled: {words}"
    return f"It said: {run.message}"


def _words_of_created(run: Run) -> tuple[str, str]:
    if run.slurm_job_id is None:
        return "Logging, without a Slurm job", "Its state is what it says of itself."
    return (
        f"Logging; job {run.slurm_job_id} has not been seen in Slurm yet",
        "The next poll of the queue or of accounting finds it, if the number is right.",
    )


def _failure(run: Run, attempt: Attempt | None) -> str:
    if attempt and attempt.exit_signal:
        return f"by signal {attempt.exit_signal}"
    return f"with exit code {run.exit_code}" if run.exit_code else "with an error"
