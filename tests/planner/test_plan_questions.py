"""Questions as rows: asked once, claimed once, answered or failed, and never lost."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from planner import questions
from planner.models import Question
from planner.request import Request
from tests.factories import make_cluster
from tests.planner.plan_world import recorded_cluster
from tracker.models import Actor, Cluster, Poll

pytestmark = pytest.mark.django_db
REQUEST = Request(user="alice", gpus=1, gpu_type="a100", cpus=4, limit_minutes=30)


@pytest.fixture
def alice(people) -> Actor:
    return Actor(people.alice)


def ask(actor: Actor, cluster, request: Request = REQUEST) -> Question:
    return questions.ask(actor, cluster, request, timezone.now())


def test_a_question_about_the_recorded_cluster_is_answered_partition_by_partition(alice) -> None:
    question = ask(alice, recorded_cluster())
    assert questions.answer(question.pk) is True
    question.refresh_from_db()
    assert question.state == Question.State.DONE
    told = questions.answer_json(question, question.snapshot_at + timedelta(seconds=40))
    assert told["age_s"] == 40
    assert told["options"][told["best"]]["partition"] == "gpu"
    refused = {o["partition"]: o["why_not"] for o in told["options"] if not o["allowed"]}
    assert refused["cpu"] == "it has no GPUs"
    assert refused["debug"] == "it has no a100 GPUs; it has v100"


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
