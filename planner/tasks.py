"""What beat and the web ring: each task is safe to run twice, late, or beside another worker.

The simulator is loaded inside the tasks that compute, so that no other process pays for it.
"""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from planner import check_queue
from planner.asking import questions
from planner.forecasting import forecast_batches, forecast_queue
from planner.learnt import learn_queue
from planner.record import replay, scoring
from planner.watches import looking, promises, watching
from tracker import work


@shared_task
def request_forecasts() -> None:
    now = timezone.now()
    forecast_queue.sweep(now)
    questions.sweep(now)
    replay.sweep(now)
    check_queue.sweep(now)
    learn_queue.sweep(now)
    watching.sweep(now)
    promises.forget_unused(now)
    forecast_queue.request_due(now)
    replay.ring_if_any()
    check_queue.request_due(now)
    learn_queue.request_due(now)


@shared_task
def compute_forecast(pk: int) -> None:
    if forecast_batches.compute(pk):
        work.ring(questions.TASK_PREPARE, [pk])
        work.ring(looking.TASK, [pk])


@shared_task
def prepare_answers(pk: int) -> None:
    questions.make_ready(pk, timezone.now())


@shared_task
def look_after(pk: int) -> None:
    looking.look_after(pk, timezone.now())


@shared_task
def look_first(pk: int) -> None:
    looking.look_first(pk, timezone.now())


@shared_task
def check_model(pk: int) -> None:
    check_queue.run(pk)


@shared_task
def learn(pk: int) -> None:
    learn_queue.run(pk)


@shared_task
def replay_next() -> None:
    replay.replay_next(timezone.now())


@shared_task
def score_estimates() -> None:
    scoring.score(timezone.now())


@shared_task
def answer_question(pk: int) -> None:
    questions.answer(pk)
