"""``/api/v1/watches``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planner.asking.told_option import ToldOption
from planner.models import Question, Watch
from planner.watches import looking
from tests.factories import make_cluster
from tests.planner.watch_world import asked, option

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
URL = "/api/v1/watches"


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def question(people) -> Question:
    return asked(people.alice, make_cluster(), timezone.now() - HOUR / 60, option(4 * HOUR))


def post(client, **body):
    return client.post(URL, body, content_type="application/json")


def test_a_watch_is_begun_listed_and_cancelled(alice, question) -> None:
    answer = post(alice, question=question.pk)
    assert answer.status_code == 201
    begun = answer.json()
    assert (begun["cluster"], begun["is_live"], begun["within_minutes"]) == ("lab", True, None)
    assert begun["promised_where"] == "gpu, a100" and begun["better_by_at"]
    assert alice.get(URL).json() == [begun]
    assert alice.delete(f"{URL}/{begun['id']}").status_code == 204
    assert alice.get(f"{URL}/{begun['id']}").json()["is_live"] is False


def test_notices_stand_with_their_watch(alice, question) -> None:
    post(alice, question=question.pk, within_minutes=30)
    for now in (timezone.now(), timezone.now()):
        watch = Watch.objects.get()
        looking.note(watch, ToldOption.of(option(HOUR / 4), now), now, now)
    [notice] = alice.get(f"{URL}/{watch.pk}").json()["notices"]
    assert notice["where"] == "gpu, a100" and notice["read_at"] is None
    assert "--partition=gpu" in notice["sbatch_args"]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({}, 400, "question"),
        ({"question": 10**6}, 400, "none of yours"),
        ({"within_minutes": 0}, 400, "within_minutes"),
        ({"within_minutes": 300}, 409, "would start within 300 minutes now"),
    ],
)
def test_what_cannot_be_watched_is_a_problem(alice, question, body, status, why) -> None:
    if "within_minutes" in body:
        body = body | {"question": question.pk}
    answer = post(alice, **body)
    assert answer.status_code == status and why in answer.json()["detail"]
    assert not Watch.objects.exists()
