"""Promises: what an option said when an experiment was started with it, and what came of that.

The start page is given the promise's key, and its submission then bears it: that joins the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef
from django.urls import reverse

from planner.asking.option_asks import OF_THE_FORM, Asks, asks_of
from planner.asking.told_option import ToldOption
from planner.models import Promise, Question
from tracker.models import Attempt, Experiment, Run, StartEstimate, Submission
from tracker.slurm.batch import OPTION_BY_FIELD
from tracker.slurm.durations import parse_minutes
from tracker.slurm.script import ScriptError, read_script

TOLD_TO = timedelta(minutes=1)  # a start at once is one within a minute, and pages tell no seconds
UNUSED_FOR = timedelta(days=1)  # after which a promise that nothing was started with is forgotten


def choose(
    user: AbstractBaseUser,
    question: Question,
    option: Mapping[str, Any],
    experiment: Experiment,
    now: datetime,
) -> Promise:
    """Remember what the option says, for whoever goes on to start the experiment with it."""
    asks = asks_for(experiment, option)
    return Promise.objects.create(
        key=uuid4().hex,
        experiment=experiment,
        cluster=question.cluster,
        user=user,
        chosen_at=now,
        snapshot_at=question.snapshot_at,
        horizon_s=question.answer["horizon_s"],
        option=option,
        asks=asks.fields,
    )


def asks_for(experiment: Experiment, option: Mapping[str, Any]) -> Asks:
    """What the start page is filled with. GPUs that the script asks for by --gpus stay its own:
    Slurm would be asked for them twice."""
    asks = asks_of(option["sbatch_args"])
    if "gres" in asks.fields and _asks_for_gpus(experiment.batch_script):
        gres = asks.fields.pop("gres")
        return Asks(asks.fields, (*asks.left_out, f"--gres={gres}"))
    return asks


def _asks_for_gpus(script: str) -> bool:
    try:
        others = read_script(script.replace("\r\n", "\n")).options.others
    except ScriptError:  # told when it is started
        return False
    return any(word.startswith("--gpus") for word in others)


def start_url(promise: Promise) -> str:
    """The start page, filled in."""
    fields = {"cluster": promise.cluster.name, **promise.asks, "key": promise.key}
    return f"{reverse('start', args=[promise.experiment_id])}?{urlencode(fields)}"


def new_experiment_url(question: Question, option: Mapping[str, Any]) -> str:
    """The page that makes an experiment, filled in."""
    fields = {"cluster": question.cluster.name, **asks_of(option["sbatch_args"]).fields}
    return f"{reverse('experiment-new')}?{urlencode(fields)}"


def forget_unused(now: datetime) -> None:
    begun = Submission.objects.filter(experiment=OuterRef("experiment"), key=OuterRef("key"))
    old = Promise.objects.filter(chosen_at__lt=now - UNUSED_FOR)
    old.filter(~Exists(begun)).delete()


@dataclass(frozen=True, slots=True)
class Said:
    """A start as it was foretold. Times are None past the horizon, or where not known."""

    what: str
    at: datetime
    p10_at: datetime | None
    p50_at: datetime | None
    p90_at: datetime | None
    later_than_horizon: tuple[str, ...]
    horizon_at: datetime
    changed: tuple[str, ...] = ()  # what the job was sent with in place of what this was said of

    def verdict(self, started_at: datetime) -> str:
        """early, inside or late: of the range that eight starts in ten fall into, by what is known
        of it; empty where nothing is."""
        if self.p90_at is not None and started_at > self.p90_at + TOLD_TO:
            return "late"
        if self.p10_at is not None and started_at < self.p10_at - TOLD_TO:
            return "early"
        is_closed = self.p10_at is not None and self.p90_at is not None
        is_open = self.p10_at is not None and "p90" in self.later_than_horizon
        is_inside = is_closed or (is_open and started_at <= self.horizon_at)
        return "inside" if is_inside else ""

    def off_by(self, started_at: datetime) -> timedelta | None:
        """How much later than the middle it started."""
        return None if self.p50_at is None else started_at - self.p50_at


def said_of(run: Run) -> list[Said]:
    """What was foretold of the run's first start: by the option it was started with, and by the
    first estimate of its job."""
    return [said for said in (_by_option(run), _by_estimate(run)) if said]


def first_start(run: Run) -> datetime | None:
    """Of its first attempt: a requeue was promised nothing."""
    if run.attempt == 0:
        return run.started_at
    return (
        Attempt.objects.filter(job=run.job_id, number=0).values_list("start_at", flat=True).first()
    )


def _by_option(run: Run) -> Said | None:
    begun = run.submission
    promise = (
        begun and Promise.objects.filter(experiment=begun.experiment_id, key=begun.key).first()
    )
    if not promise:
        return None
    told = ToldOption.of(promise.option, promise.snapshot_at)
    # The queue was read before: what could have started then starts once it is submitted.
    p10_at, p50_at, p90_at = (
        at and max(at, promise.chosen_at) for at in (told.p10_at, told.p50_at, told.p90_at)
    )
    return Said(
        f"The option chosen ({told.where})",
        promise.chosen_at,
        p10_at,
        p50_at,
        p90_at,
        told.later_than_horizon,
        promise.snapshot_at + timedelta(seconds=promise.horizon_s),
        _changed(promise.asks, begun.request),
    )


def _changed(promised: Mapping[str, str], sent: Mapping[str, Any]) -> tuple[str, ...]:
    """Options that the promise did not know of, or knew with another value."""
    return tuple(
        f"--{option}={sent[name]}"
        for name, option in OPTION_BY_FIELD.items()  # a database keeps an order of its own
        if name in OF_THE_FORM
        and name in sent
        and _plain(name, promised.get(name)) != _plain(name, sent[name])
    )


def _plain(name: str, value: object) -> object:
    is_limit = name == "time_limit_minutes" and value is not None
    return parse_minutes(str(value)) if is_limit else str(value)


def _by_estimate(run: Run) -> Said | None:
    of_job = StartEstimate.objects.filter(job=run.job_id, is_replayed=False)
    first = of_job.order_by("issued_at").first() if run.job_id else None
    if first is None or (first.p50_at is None and not first.later_than_horizon):
        return None
    return Said(
        "The first forecast of its job",
        first.issued_at,
        first.p10_at,
        first.p50_at,
        first.p90_at,
        tuple(first.later_than_horizon),
        first.snapshot_at + timedelta(seconds=first.horizon_s),
    )
