"""Which starts moved, how far, and the causes that weigh most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.moves.causes import Changes
from planner.moves.look import Look
from planner.moves.machine import Cause

LEAST_S = 60.0
LEAST_SHARE = 0.05  # of the wait that was told before
CAUSES_TOLD = 2
LEAST_WEIGHT = 0.1  # of the heaviest cause; what weighs less explains little


@dataclass(frozen=True, slots=True)
class Move:
    """``moved_s``: later is positive. ``why`` names no user and no account: it is shown to all who
    may see the job."""

    moved_s: float
    why: str


def moves(before: Look, after: Look) -> dict[int, Move]:
    """By raw job id: the jobs whose start moved by more than a minute and 5 % of the wait.

    Jobs that one of the forecasts gave no start are left out, and arrays of which tasks have
    started meanwhile: their row speaks of another task now.
    """
    told = dict(_moved(before, after))
    changes = Changes.between(before, after) if told else None
    return {
        job_id: Move(moved_s, _sentence(list(changes.causes(job_id, moved_s)), moved_s))
        for job_id, moved_s in told.items()
        if changes is not None
    }


def _moved(before: Look, after: Look) -> Iterator[tuple[int, float]]:
    tasks_before, tasks_after = _tasks(before), _tasks(after)
    for job_id, start_at in after.starts.items():
        if job_id not in before.starts or job_id not in tasks_after:
            continue
        if tasks_before.get(job_id) != tasks_after[job_id]:
            continue
        moved_s = (start_at - before.starts[job_id]).total_seconds()
        wait_s = (before.starts[job_id] - before.taken_at).total_seconds()
        if abs(moved_s) > max(LEAST_S, LEAST_SHARE * wait_s):
            yield job_id, moved_s


def _tasks(look: Look) -> dict[int, int]:
    """Waiting jobs and tasks of each raw id."""
    counts: dict[int, int] = {}
    for one in look.waiting.values():
        counts[one.job_id] = counts.get(one.job_id, 0) + 1
    return counts


def _sentence(causes: list[Cause], moved_s: float) -> str:
    if not causes:
        return (
            "No single cause: small changes of the queue add up."
            if moved_s < 0
            else "No single cause: it was expected to go on faster."
        )
    heaviest = max(cause.weight for cause in causes)
    told = sorted(causes, key=lambda cause: -cause.weight)[:CAUSES_TOLD]
    words = "; ".join(c.words for c in told if c.weight >= LEAST_WEIGHT * heaviest)
    return f"{words[0].upper()}{words[1:]}."
