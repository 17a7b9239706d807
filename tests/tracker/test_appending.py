"""A job that has been logging is refused as soon as its right to is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import NOW, make_experiment
from tests.tracker.callers import JSON, by_token
from tracker import recording
from tracker.models import Actor, MetricPoint, Run, Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(people) -> Run:
    return recording.create_run(make_experiment(people.alice), actor=Actor(people.alice))[0]


def append(client, run: Run, step: int):
    point = {"name": "loss", "step": step, "value": 0.5}
    return client.post(f"/runs/{run.pk}/metrics", point, JSON)


def revoke(_run: Run) -> None:
    Token.objects.update(revoked_at=timezone.now())


def expire(_run: Run) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def issue_anew(_run: Run) -> None:
    Token.objects.update(sha256="0" * 64)


def narrow(_run: Run) -> None:
    Token.objects.update(scope=Token.Scope.READ)


def move_to_another_experiment(run: Run) -> None:
    Token.objects.update(experiment=make_experiment(run.experiment.owner))


def close_account(run: Run) -> None:
    run.experiment.owner.is_active = False
    run.experiment.owner.save()


def delete(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(deleted_at=NOW)


@pytest.mark.parametrize(
    ("lose_right", "status"),
    [
        (revoke, 401),
        (expire, 401),
        (issue_anew, 401),
        (close_account, 401),
        (narrow, 403),
        (move_to_another_experiment, 404),
        (delete, 409),
    ],
)
def test_what_was_open_a_moment_ago_is_refused_at_once(
    people, run, lose_right: Callable[[Run], None], status
):
    job = by_token(people.alice, "run", experiment=run.experiment)
    assert [append(job, run, step).status_code for step in (1, 2)] == [201, 201]
    lose_right(run)
    assert append(job, run, 3).status_code == status
    assert MetricPoint.objects.count() == 2


def test_a_token_of_another_run_or_person_never_gets_in(people, run):
    other = recording.create_run(run.experiment, actor=Actor(people.alice))[0]
    of_other_run = by_token(people.alice, "run", run=other)
    of_mallory = by_token(people.mallory)
    assert append(of_other_run, other, 1).status_code == 201
    for _ in range(2):  # the second time their use was noted lately
        assert append(of_other_run, run, 1).status_code == 404
        assert append(of_mallory, run, 1).status_code == 404
    assert not run.series.exists()


def test_the_use_of_a_token_that_only_logs_is_noted_once_a_minute(people, run):
    job = by_token(people.alice, "run", experiment=run.experiment)
    append(job, run, 1)
    first = Token.objects.get().last_used_at
    append(job, run, 2)
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    append(job, run, 3)
    assert Token.objects.get().last_used_at >= first
