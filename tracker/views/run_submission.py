"""What a run was started with, and what can be done about it now."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.models import Actor, Run, Submission
from tracker.slurm.batch import OPTION_BY_FIELD
from tracker.submission.cancelling import why_not_cancel
from tracker.templatetags.queuecast import minutes

State = Submission.State
TASKS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Deeds:
    """What this actor may do."""

    start_again: bool
    cancel: bool
    why_not_cancel: str  # empty too where there is nothing to cancel
    decide: bool  # whether Slurm has its job


def deeds_of(actor: Actor, run: Run) -> Deeds:
    may_edit = actor.editable_experiments().filter(pk=run.experiment_id).exists()
    state = run.submission.state if run.submission else None
    can_end = run.is_open and (run.job or run.submission) and state != State.UNCLEAR
    why = why_not_cancel(run, actor) if can_end else ""
    if state == State.WAITING and run.array_task_id is None:
        why = ""  # it is taken back, and Slurm never hears of it
    return Deeds(
        start_again=may_edit,
        cancel=bool(may_edit and can_end and not why),
        why_not_cancel=why,
        decide=may_edit and state == State.UNCLEAR,
    )


@dataclass(frozen=True, slots=True)
class Sent:
    """The submission of a run, and the other runs of its job."""

    submission: Submission
    asked: list[tuple[str, str]]
    command: str
    others: Sequence[Run]
    run_count: int


def sent_as(run: Run) -> Sent | None:
    submission = run.submission
    if submission is None:
        return None
    others = submission.runs.exclude(pk=run.pk).order_by("array_task_id", "pk")
    return Sent(
        submission=submission,
        asked=[(_option(name), _value(name, asked)) for name, asked in submission.request.items()],
        command=shlex.join(submission.argv),
        others=others[:TASKS_SHOWN],
        run_count=submission.runs.count(),
    )


def _option(name: str) -> str:
    return f"--{OPTION_BY_FIELD[name]}" if name in OPTION_BY_FIELD else "others"


def _value(name: str, asked: object) -> str:
    if name == "time_limit_minutes":
        return minutes(asked)  # type: ignore[arg-type]
    return ", ".join(map(str, asked)) if isinstance(asked, list) else str(asked)
