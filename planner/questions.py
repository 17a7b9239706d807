"""Questions about hypothetical jobs, from asking to the answer: the only writer of Question.

The web process asks and reads; a worker for queue ``compute`` answers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from planner import work
from planner.models import Question
from planner.request import Request
from tracker.models import Actor, Cluster, Poll

if TYPE_CHECKING:
    from planner.advice import Advice, Option
    from planner.calibrating import Calibrator

HORIZON_S = 7 * 86_400  # a question about one job looks further ahead than a forecast of all
REPLICAS = 16
BATCH = 4  # replicas; fewer say little of a spread
BUDGET_S = 8.0  # after which no other batch is begun: somebody waits
SEED = 0  # that of forecasts: the same futures
STALE = timedelta(minutes=5)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=30)  # after which a doorbell is rung again
KEEP = timedelta(days=1)
TASK = "planner.tasks.answer_question"

log = logging.getLogger(__name__)
State = Question.State


def ask(actor: Actor, cluster: Cluster, request: Request, now: datetime) -> Question:
    """The row of this question: the one that is open, or answered from the newest queue, if any."""
    asked = request.as_json()
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    same = Question.objects.filter(asked_by=actor.user, cluster=cluster, request_sha256=sha256)
    still_good = Q(state__in=(State.QUEUED, State.RUNNING))
    if (newest_at := queue_read_at(cluster)) is not None:
        still_good |= Q(state=State.DONE, snapshot_at__gte=newest_at)
    if (found := same.filter(still_good).first()) is not None:
        return found
    question = Question.objects.create(
        cluster=cluster, asked_by=actor.user, request=asked, request_sha256=sha256, asked_at=now
    )
    work.ring(TASK, [question.pk])
    return question


def queue_read_at(cluster: Cluster) -> datetime | None:
    """When the queue was last read; None: never, so nothing can be answered yet."""
    good = Poll.objects.filter(cluster=cluster, command="squeue", ok=True)
    return good.values_list("started_at", flat=True).first()


def answer(pk: int) -> bool:
    """Answer one question, if nobody else does. For the compute worker: loads the simulator."""
    question = work.claim(Question, pk)
    if question is None:
        return False
    try:
        snapshot_at, advice = _advice(question)
    except Exception as error:  # whatever it is, the asker must see it and the worker go on
        log.exception("question %s cannot be answered", pk)
        told: dict[str, Any] = {"state": State.FAILED, "error": f"{type(error).__name__}: {error}"}
    else:
        told = {"state": State.DONE, "snapshot_at": snapshot_at, "answer": _answer(advice)}
    work.close(question, **told)
    return True


def _advice(question: Question) -> tuple[datetime, Advice]:
    # Here and not above: the web process asks questions too, and must not load the simulator.
    from planner.advice import advise
    from planner.calibrating import Calibrator
    from planner.known import Known
    from planner.snapshot.requests import Site

    known = Known.of(question.cluster, timezone.now())
    world = known.snapshot.world
    advice = advise(
        world,
        Site.of(known.facts, world.nodes, world.partitions),
        Request.from_json(question.request),
        known.past,
        seed=SEED,
        batches=_batches(),
        horizon_s=HORIZON_S,
    )
    taken_at = known.snapshot.taken_at
    return taken_at, _set_right(advice, Calibrator(question.cluster, taken_at))


def _set_right(advice: Advice, calibrator: Calibrator) -> Advice:
    """What the replicas say, corrected as that of real jobs is; a plan is told as it is."""
    from planner.advice import ranked

    if advice.method == "plan":
        return advice
    options = [_option_set_right(option, calibrator) for option in advice.options]
    return replace(advice, options=ranked(options))


def _option_set_right(option: Option, calibrator: Calibrator) -> Option:
    from planner.probe import queued
    from planner.start_columns import corrected

    if option.p50_s is None and not option.later_than_horizon:
        return option
    job = replace(queued(option.request, option.partition), submit_at=calibrator.at)
    start, how = calibrator.left(job, option.start)
    return replace(corrected(option, start).within(HORIZON_S), how=how)


def _batches() -> Iterator[range]:
    """Of replicas, as many as there is time for."""
    until_s = time.monotonic() + BUDGET_S
    for first in range(0, REPLICAS, BATCH):
        if first and time.monotonic() > until_s:
            return
        yield range(first, first + BATCH)


def _answer(advice: Advice) -> dict[str, Any]:
    """``best`` is the place of the best option in ``options``; None where none has a start."""
    options = [option.as_json() for option in advice.options]
    has_start = bool(options) and options[0]["start"]["p50_s"] is not None
    return {
        "method": advice.method,
        "replicas": advice.replicas,
        "horizon_s": HORIZON_S,
        "ignored": [],
        "options": options,
        "best": 0 if has_start else None,
        "smallest_change": None,
        "walltime": [],
        "by_hour": [],
    }


def answer_json(question: Question, now: datetime) -> dict[str, Any]:
    """The answer as ``POST /api/v1/plan`` tells it, with its age as of ``now``."""
    snapshot_at = question.snapshot_at
    return {
        "snapshot_at": snapshot_at.isoformat() if snapshot_at else None,
        "age_s": (now - snapshot_at).total_seconds() if snapshot_at else None,
        "request": question.request,
        **(question.answer or {}),
    }


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    Question.objects.filter(asked_at__lt=now - KEEP).delete()
    work.recover(Question.objects.all(), claimed_before=now - STALE, now=now)
    unheard = Question.objects.filter(state=State.QUEUED, asked_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    work.ring(TASK, pks)
    return len(pks)
