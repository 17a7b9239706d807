"""Questions as rows: asked once, claimed once, answered or failed, and never lost."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import Task, current_app
from django.db import connection
from django.utils import timezone

from planner import tasks
from planner.asking import questions
from planner.asking.grounds import grounds_of
from planner.asking.request import Request
from planner.forecasting import forecast_batches
from planner.models import Forecast, Question
from planner.watches import looking, watching
from tests.factories import make_cluster
from tests.planner.plan_world import small_cluster, store_polls
from tests.planner.polled import is_no_job, is_running, polled
from tracker.models import Actor, Cluster, ClusterAccount, Job, Poll

pytestmark = pytest.mark.django_db
REQUEST = Request(user="alice", gpus=1, gpu_type="a100", cpus=4, limit_minutes=30)


@pytest.fixture
def alice(people) -> Actor:
    return Actor(people.alice)


def ask(actor: Actor, cluster, request: Request = REQUEST) -> Question:
    return questions.ask(actor, cluster, request, timezone.now())


def answered(actor: Actor, cluster: Cluster, request: Request = REQUEST) -> dict[str, Any]:
    question = ask(actor, cluster, request)
    assert questions.answer(question.pk) is True
    question.refresh_from_db()
    assert question.error == ""
    assert question.state == Question.State.DONE
    return questions.answer_json(question, question.snapshot_at + timedelta(seconds=40))


@pytest.fixture
def forecast_made(people) -> Forecast:
    """Of the small cluster, with its futures."""
    cluster = small_cluster()
    row = Forecast.objects.create(cluster=cluster, requested_at=timezone.now(), replicas=2)
    forecast_batches.compute(row.pk)
    row.refresh_from_db()
    assert row.state == Forecast.State.DONE, row.error
    return row


def test_options_are_told_before_the_rest_and_the_rest_before_what_is_simulated(
    alice, forecast_made
) -> None:
    seen = []

    def look(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if sql.startswith('UPDATE "planner_question"'):
            row = Question.objects.get()
            seen.append((row.state, row.answer and sorted(key for key in parts if row.answer[key])))
        return done

    parts = ("options", "walltime", "why", "complete")
    with connection.execute_wrapper(look):
        told = answered(alice, forecast_made.cluster)
    full = ["options", "walltime", "why"]
    assert seen == [
        *(("running", None), ("running", ["options"]), ("running", full), ("running", full)),
        *(("running", ["complete", *full]), ("done", ["complete", *full])),
    ]
    assert told["age_s"] == 40
    assert told["stale"] is False
    assert told["warning"] is None
    assert told["replicas"] == 2
    assert told["request"] == REQUEST.as_json()
    best = told["options"][told["best"]]
    assert best["partition"] == "gpu"
    assert best["approximate"] is False
    refused = {o["partition"]: o["why_not"] for o in told["options"] if not o["allowed"]}
    assert refused["cpu"] == "it has no GPUs"
    assert told["text"][0].startswith("As of 2026-11-23 12:30:13 UTC, by 2 simulated futures")
    assert any("not cpu" in line and "it has no GPUs" in line for line in told["text"])


def test_jobs_of_others_are_named_only_where_the_cluster_does_not_hide_them(
    alice, people, forecast_made
) -> None:
    cluster = forecast_made.cluster
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    large = Request(user="alice", partitions=("highmem",), mem_mib=900_000, limit_minutes=30)
    users = dict(Job.objects.filter(cluster=cluster).values_list("job_id", "user"))

    def named() -> set[str]:
        """Owners of the jobs whose ends are told one by one."""
        Question.objects.all().delete()
        ends = answered(alice, cluster, large)["why"]["ends"]
        return {users[int(word)] for end in ends for word in re.findall(r"^job (\d+)", end["what"])}

    assert named() - {"alice"}
    Cluster.objects.update(private_data=["jobs"])
    assert named() <= {"alice"}


def test_answers_rest_on_the_newest_futures_while_these_are_young(alice, forecast_made) -> None:
    cluster, now = forecast_made.cluster, timezone.now()
    kept = grounds_of(cluster, now)
    assert len(kept.futures) == 2
    assert grounds_of(cluster, now) is kept  # read once
    at = forecast_made.snapshot_at
    store_polls(cluster, later=timedelta(minutes=10))
    assert grounds_of(cluster, now) is kept
    store_polls(cluster, later=timedelta(minutes=31))
    newer = grounds_of(cluster, now).known.snapshot.taken_at
    assert newer == at + timedelta(minutes=31)


def test_what_somebody_waits_for_is_not_put_behind_what_is_computed() -> None:
    def queue_of(task: str) -> str:
        assert task in {one.name for one in vars(tasks).values() if isinstance(one, Task)}
        return current_app.amqp.router.route({}, task)["queue"].name

    waited_for = (questions.TASK, questions.TASK_PREPARE, looking.TASK, watching.LOOK_FIRST)
    assert {queue_of(task) for task in waited_for} == {"ask"}
    assert queue_of(forecast_batches.TASK) == "compute"


def test_a_worker_is_ready_for_the_next_question_where_one_was_asked_lately(
    alice, forecast_made
) -> None:
    cluster, now = forecast_made.cluster, timezone.now()
    questions.make_ready(forecast_made.pk, now)
    assert "adviser" not in vars(grounds_of(cluster, now))
    ask(alice, cluster)
    questions.make_ready(forecast_made.pk, now)
    assert "adviser" in vars(grounds_of(cluster, now))


def test_first_answers_are_those_of_questions_and_none_without_stored_futures(
    alice, forecast_made
) -> None:
    cluster, now = forecast_made.cluster, timezone.now()
    snapshot_at, (told,) = questions.first_answers(cluster, [REQUEST], now)
    assert snapshot_at == forecast_made.snapshot_at
    assert told["complete"] is False
    assert told["options"][told["best"]]["start"]["p50_s"] is not None
    assert questions.first_answers(polled(queue=is_no_job), [REQUEST], now) is None


def test_without_history_the_answer_is_one_plan_and_says_so(alice) -> None:
    told = answered(alice, polled(queue=is_running))
    assert told["method"] == "plan"
    assert told["complete"] is True
    best = told["options"][told["best"]]
    assert best["start"]["p50_s"] is not None
    assert best["start"]["p10_s"] is None
    assert "Nothing is known of past jobs here" in told["notes"][0]


def test_on_an_empty_cluster_what_fits_starts_at_once_and_what_does_not_says_why(alice) -> None:
    cluster = polled(queue=is_no_job)
    told = answered(alice, cluster)
    assert told["options"][told["best"]]["start"]["p50_s"] == pytest.approx(0, abs=60)
    assert told["notes"] == ["Nothing waits or runs here: what fits starts at once."]
    told = answered(alice, cluster, Request(user="alice", nodes=500, ntasks=500))
    assert told["best"] is None
    assert "Nothing here can run this" in told["notes"][0]
    assert all(option["why_not"] for option in told["options"])


@pytest.mark.parametrize(
    ("user", "said"), [("", "You have no account"), ("zoe", "zoe has no account")]
)
def test_who_has_no_association_is_planned_for_without_fair_share_and_told_so(
    alice, user, said
) -> None:
    told = answered(alice, polled(queue=is_no_job), Request(user=user, cpus=2))
    assert said in told["notes"][-1]
    assert "without fair share" in told["notes"][-1]


def test_an_answer_from_an_old_queue_carries_a_warning(alice) -> None:
    cluster = polled(queue=is_no_job)
    question = ask(alice, cluster)
    questions.answer(question.pk)
    question.refresh_from_db()
    told = questions.answer_json(question, question.snapshot_at + timedelta(minutes=61))
    assert told["stale"] is True
    assert told["warning"] == "The queue was read 61 minutes ago and may be another by now."
    assert told["text"][0] == told["warning"]


def queue_read(cluster: Cluster) -> datetime:
    started_at = timezone.now()
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=started_at, seconds=0, ok=True, raw=b""
    )
    return started_at


def test_the_same_question_on_the_same_queue_is_the_same_row(alice, people) -> None:
    cluster = make_cluster()
    read_at = queue_read(cluster)
    first = ask(alice, cluster)
    assert ask(alice, cluster) == first  # while it is open
    Question.objects.filter(pk=first.pk).update(state=Question.State.DONE, snapshot_at=read_at)
    assert ask(alice, cluster) == first  # and once it is answered
    assert ask(alice, cluster, Request(user="alice")) != first
    assert ask(Actor(people.bob), cluster) != first


def test_a_newer_queue_makes_it_a_new_question(alice) -> None:
    cluster = make_cluster()
    read_at = queue_read(cluster)
    first = ask(alice, cluster)
    Question.objects.filter(pk=first.pk).update(state=Question.State.DONE, snapshot_at=read_at)
    queue_read(cluster)
    assert ask(alice, cluster) != first


def test_a_claimed_question_is_not_answered_twice(alice) -> None:
    question = ask(alice, make_cluster())
    Question.objects.filter(pk=question.pk).update(state=Question.State.RUNNING)
    assert questions.answer(question.pk) is False


def test_what_cannot_be_answered_fails_with_its_reason(alice) -> None:
    question = ask(alice, make_cluster())  # never polled
    questions.answer(question.pk)
    question.refresh_from_db()
    assert question.state == Question.State.FAILED
    assert "squeue" in question.error


def test_the_sweep_rings_for_what_waits_unheard_and_gives_up_after_three_tries(alice) -> None:
    now = timezone.now()
    cluster = make_cluster()
    unheard = ask(alice, cluster)
    lost = ask(alice, cluster, Request(user="alice", cpus=2))
    hopeless = ask(alice, cluster, Request(user="alice", cpus=3))
    old = ask(alice, cluster, Request(user="alice", cpus=4))
    rows = Question.objects
    rows.filter(pk=unheard.pk).update(asked_at=now - timedelta(minutes=1))
    long_ago = {"state": Question.State.RUNNING, "claimed_at": now - timedelta(minutes=6)}
    rows.filter(pk=lost.pk).update(asked_at=now - timedelta(minutes=7), tries=1, **long_ago)
    rows.filter(pk=hopeless.pk).update(tries=3, **long_ago)
    rows.filter(pk=old.pk).update(asked_at=now - timedelta(days=2))
    assert questions.sweep(now) == 2  # unheard and lost
    states = dict(rows.values_list("pk", "state"))
    assert states == {unheard.pk: "queued", lost.pk: "queued", hopeless.pk: "failed"}
