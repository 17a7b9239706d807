"""Questions about hypothetical jobs, from asking to the answer: the only writer of Question.

The web process asks and reads; a worker for queue ``compute`` answers. The row is the truth, the
message only a doorbell: a lost one is rung again by :func:`sweep`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from planner.models import Question
from planner.request import Request
from tracker.models import Actor, Cluster, Poll

HORIZON_S = 7 * 86_400  # a question about one job looks further ahead than a forecast of all
MAX_TRIES = 3
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
    _ring(question.pk)
    return question


def queue_read_at(cluster: Cluster) -> datetime | None:
    """When the queue was last read; None: never, so nothing can be answered yet."""
    good = Poll.objects.filter(cluster=cluster, command="squeue", ok=True)
    return good.values_list("started_at", flat=True).first()


def _ring(pk: int) -> None:
    transaction.on_commit(lambda: current_app.send_task(TASK, [pk], queue="compute"))


def answer(pk: int) -> bool:
    """Answer one question, if nobody else does. For the compute worker: loads the simulator."""
    claimed = Question.objects.filter(pk=pk, state=State.QUEUED).update(
        state=State.RUNNING, claimed_at=timezone.now(), tries=F("tries") + 1
    )
    if not claimed:
        return False
    question = Question.objects.select_related("cluster").get(pk=pk)
    try:
        snapshot_at, options = _options(question)
    except Exception as error:  # whatever it is, the asker must see it and the worker go on
        log.exception("question %s cannot be answered", pk)
        told: dict[str, Any] = {"state": State.FAILED, "error": f"{type(error).__name__}: {error}"}
    else:
        told = {"state": State.DONE, "snapshot_at": snapshot_at, "answer": _answer(options)}
    Question.objects.filter(pk=pk, state=State.RUNNING).update(finished_at=timezone.now(), **told)
    return True


def _options(question: Question) -> tuple[datetime, list[dict[str, Any]]]:
    # Here and not above: the web process asks questions too, and must not load the simulator.
    from planner.advice import advise
    from planner.snapshot import build, read_facts
    from planner.snapshot.requests import Site
    from tracker.polling import newest_outputs
    from tracker.slurm.client import Slurm
    from tracker.slurm.transports import ReplayTransport

    facts = read_facts(Slurm(ReplayTransport(newest_outputs(question.cluster))))
    world = build(facts).world
    site = Site.of(facts, world.nodes, world.partitions)
    options = advise(world, site, Request.from_json(question.request), horizon_s=HORIZON_S)
    return facts.taken_at, [option.as_json() for option in options]


def _answer(options: list[dict[str, Any]]) -> dict[str, Any]:
    """``best`` is the place of the best option in ``options``; None where none has a start."""
    has_start = bool(options) and options[0]["start"]["p50_s"] is not None
    return {
        "replicas": 1,
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
    lost = Question.objects.filter(state=State.RUNNING, claimed_at__lt=now - STALE)
    lost.filter(tries__gte=MAX_TRIES).update(
        state=State.FAILED,
        finished_at=now,
        error=f"The worker was lost {MAX_TRIES} times while answering; ask again later.",
    )
    lost.filter(tries__lt=MAX_TRIES).update(state=State.QUEUED)
    unheard = Question.objects.filter(state=State.QUEUED, asked_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    for pk in pks:
        _ring(pk)
    return len(pks)
