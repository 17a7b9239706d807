"""Questions about hypothetical jobs, from asking to the answer: the only writer of Question.

The web process asks and reads; a worker for queue ``ask`` answers.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import Q
from django.utils import timezone

from planner.asking.answered import told_at
from planner.asking.request import Request
from planner.forecasting import newest
from planner.models import Question
from tracker import work
from tracker.models import Actor, Cluster

STALE = timedelta(minutes=5)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=30)  # after which a doorbell is rung again
KEEP = timedelta(days=1)
ASKED_LATELY = timedelta(hours=1)
TASK, TASK_PREPARE = "planner.tasks.answer_question", "planner.tasks.prepare_answers"

log = logging.getLogger(__name__)
State = Question.State


def ask(actor: Actor, cluster: Cluster, request: Request, now: datetime) -> Question:
    """The row of this question: the one that is open, or answered as it would be now, if any."""
    asked = request.as_json()
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    sha256 = hashlib.sha256(canonical.encode()).hexdigest()
    same = Question.objects.filter(asked_by=actor.user, cluster=cluster, request_sha256=sha256)
    still_good = Q(state__in=(State.QUEUED, State.RUNNING))
    if (newest_at := newest.snapshot_at(cluster)) is not None:
        still_good |= Q(state=State.DONE, snapshot_at__gte=newest_at)
    if (found := same.filter(still_good).first()) is not None:
        return found
    question = Question.objects.create(
        cluster=cluster, asked_by=actor.user, request=asked, request_sha256=sha256, asked_at=now
    )
    work.ring(TASK, [question.pk])
    return question


def answer(pk: int) -> bool:
    """Answer one question, if nobody else does: at once from what is stored, then with all that
    follows. For the ask worker: loads the simulator."""
    question = work.claim(Question, pk)
    if question is None:
        return False
    try:
        for snapshot_at, told in _advice(question):
            _tell(question, snapshot_at, told)
    except Exception as error:  # whatever it is, the asker must see it and the worker go on
        log.exception("question %s cannot be answered", pk)
        work.close(question, state=State.FAILED, error=f"{type(error).__name__}: {error}")
    else:
        work.close(question, state=State.DONE)
    return True


def _tell(question: Question, snapshot_at: datetime, told: dict[str, Any]) -> None:
    """What is known so far: the row stays ours and open."""
    ours = Question.objects.filter(pk=question.pk, state=State.RUNNING, tries=question.tries)
    ours.update(snapshot_at=snapshot_at, answer=told)


def _advice(question: Question) -> Iterator[tuple[datetime, dict[str, Any]]]:
    # Here and not above: the web process asks questions too, and must not load the simulator.
    from planner.asking.answering import told
    from planner.asking.grounds import grounds_of

    grounds = grounds_of(question.cluster, timezone.now())
    actor = Actor(question.asked_by)
    asker = actor.unix_name(question.cluster) or ""
    shows_jobs = actor.is_staff or not question.cluster.hides_jobs
    request = Request.from_json(question.request)
    answering = grounds.answering(request, asker=asker, shows_jobs=shows_jobs)
    snapshot = grounds.known.snapshot
    first = answering.first()
    for advice in chain([first], answering.rest(first)):
        yield snapshot.taken_at, told(snapshot.world, advice)


def make_ready(forecast_pk: int, now: datetime) -> None:
    """Where somebody asked lately, so that the next is answered at once from this forecast. For the
    ask worker."""
    lately = Question.objects.filter(asked_at__gt=now - ASKED_LATELY)
    cluster = Cluster.objects.filter(forecasts=forecast_pk, questions__in=lately).first()
    if cluster is None:
        return
    from planner.asking.grounds import stored_grounds

    if (grounds := stored_grounds(cluster, now)) is not None:
        grounds.make_ready()


def first_answers(
    cluster: Cluster, requests: Sequence[Request], now: datetime
) -> tuple[datetime, list[dict[str, Any]]] | None:
    """When the queue was read, and of each request what is told at once; None where no futures are
    stored. For the ask worker."""
    from planner.asking.answering import told
    from planner.asking.grounds import stored_grounds

    grounds = stored_grounds(cluster, now)
    if grounds is None:
        return None
    snapshot = grounds.known.snapshot
    answers = [told(snapshot.world, grounds.answering(request).first()) for request in requests]
    return snapshot.taken_at, answers


def answer_json(question: Question, now: datetime, ignored: Sequence[str] = ()) -> dict[str, Any]:
    """The answer as ``POST /api/v1/plan`` tells it, or what of it there is, with its age as of
    ``now``. Of a question that has one."""
    told = told_at(
        now,
        question.answer,
        snapshot_at=question.snapshot_at,
        request=question.request,
        ignored=ignored,
    )
    return {"id": question.pk, "state": question.state, **told}


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    Question.objects.filter(asked_at__lt=now - KEEP).delete()
    work.recover(Question.objects.all(), claimed_before=now - STALE, now=now)
    unheard = Question.objects.filter(state=State.QUEUED, asked_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    work.ring(TASK, pks)
    return len(pks)
