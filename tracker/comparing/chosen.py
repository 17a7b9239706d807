"""Which runs are looked at side by side, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from tracker.flat_config import flat
from tracker.models import Actor, Run

RUNS_MAX = 50  # more lines than that are told apart by nobody
RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Chosen:
    runs: list[Run]
    left_out: int = 0  # named, but deleted or none that the actor may see
    beyond: int = 0  # there are so many more than RUNS_MAX


def chosen_by_id(actor: Actor, named: Sequence[str]) -> Chosen:
    """The runs named, one by one or with commas between them, in that order; each once."""
    named = list(dict.fromkeys(run_id for words in named for run_id in words.split(",") if run_id))
    known = [run_id for run_id in named if RUN_ID.fullmatch(run_id)]
    found = {run.pk: run for run in _with_settings(actor.runs()).filter(pk__in=known)}
    runs = [found[run_id] for run_id in known if run_id in found]
    return Chosen(runs[:RUNS_MAX], len(named) - len(runs), max(0, len(runs) - RUNS_MAX))


def chosen_of_experiment(actor: Actor, experiment_id: int) -> Chosen:
    """Its newest runs; archived ones are not among them."""
    runs = actor.runs().filter(experiment=experiment_id, archived_at=None)
    return _first(runs.order_by("-pk"))


def chosen_of_submission(actor: Actor, submission_id: int) -> Chosen:
    """The runs of one start, a sweep among them, by array task."""
    runs = actor.runs().filter(submission=submission_id)
    return _first(runs.order_by("array_task_id", "pk"))


def label_of(run: Run) -> str:
    """What tells a run from others in a legend: its name or the end of its id, and its seed."""
    words = run.name or run.pk[-8:]
    return words if run.seed is None else f"{words} · seed {run.seed}"


def settings_of_run(run: Run) -> dict[str, object]:
    """Its flat configuration, the seed among it."""
    own = flat(run.config)
    return own if run.seed is None else {"seed": run.seed, **own}


def _with_settings(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.select_related("experiment").defer("notes", "message", "surroundings")


def _first(runs: QuerySet[Run]) -> Chosen:
    return Chosen(list(_with_settings(runs)[:RUNS_MAX]), 0, max(0, runs.count() - RUNS_MAX))
