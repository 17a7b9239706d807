"""How attempts end, and what comes after."""

from __future__ import annotations

from dataclasses import dataclass, replace

from planner.demo import site
from planner.demo.jobs import Attempt


@dataclass(frozen=True, slots=True)
class Ending:
    state: str
    exit_code: int = 0
    exit_signal: int = 0
    by_uid: int | None = None
    requeues: bool = False


NODE_FAIL = Ending("NODE_FAIL", requeues=True)
REQUEUED = Ending("REQUEUED", requeues=True)


def of_script(exit_code: int, exit_signal: int) -> Ending:
    state = "FAILED" if exit_code or exit_signal else "COMPLETED"
    return Ending(state, exit_code, exit_signal)


def in_due_time(attempt: Attempt, uid: int) -> Ending:
    """Of a simulated job what was drawn for it; a real one has met its time limit."""
    request = attempt.request
    if request.is_real:
        return Ending("TIMEOUT", 0, 15)
    if request.outcome == "NODE_FAIL":
        return NODE_FAIL
    by_uid = uid if request.outcome == "CANCELLED" else None
    return Ending(request.outcome, request.exit_code, request.exit_signal, by_uid)


def close(attempt: Attempt, ending: Ending, end_at: int) -> None:
    attempt.state = ending.state
    attempt.exit_code, attempt.exit_signal = ending.exit_code, ending.exit_signal
    attempt.cancelled_by_uid = ending.by_uid
    attempt.end_at = end_at


def next_attempt(ended: Attempt) -> Attempt:
    """The requeued job: submitted anew when the last attempt ended, eligible two minutes later."""
    if ended.end_at is None:
        raise ValueError(f"job {ended.shown_id} has not ended; only then it is requeued")
    request = replace(
        ended.request,
        begin_at=ended.end_at + site.REQUEUE_DELAY_S,
        dependency="",
        held=False,
        outcome="COMPLETED",
    )
    return Attempt(
        request=request,
        job_id=ended.job_id,
        submit_at=ended.end_at,
        array_id=ended.array_id,
        task_id=ended.task_id,
        restarts=ended.restarts + 1,
    )


def settles(kind: str, parent: Attempt) -> bool:
    """Whether a dependency of that kind on an ended job is met."""
    if kind == "afterok":
        return parent.state == "COMPLETED"
    if kind == "afternotok":
        return parent.state != "COMPLETED"
    return True
