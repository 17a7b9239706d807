"""Self-checks as claimed rows, and the page that shows the newest to the staff."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from celery import current_app
from django.utils import timezone

from planner import check_queue
from planner.models import SelfCheck
from planner.tasks import check_model, request_forecasts
from tests.factories import make_cluster
from tests.planner.plan_world import store_polls
from tracker.models import Cluster, Poll

State = SelfCheck.State
MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(people: object) -> Cluster:
    cluster = make_cluster()
    store_polls(cluster)
    return cluster


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Tasks and ids that the broker was given."""
    calls: list[tuple[str, int]] = []
    monkeypatch.setattr(
        current_app, "send_task", lambda name, args, **_: calls.append((name, args[0]))
    )
    return calls


def checked(cluster: Cluster) -> SelfCheck:
    row = SelfCheck.objects.create(cluster=cluster, requested_at=timezone.now())
    check_model(row.pk)
    row.refresh_from_db()
    return row


def page(client, user, status: int = 200) -> str:
    client.force_login(user)
    response = client.get("/clusters/lab/self-check")
    assert response.status_code == status
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def test_a_check_is_asked_for_every_ten_minutes_and_no_sooner(cluster, rung) -> None:
    now = timezone.now()
    (pk,) = check_queue.request_due(now)
    assert check_queue.request_due(now + 11 * MINUTE) == []  # still open
    SelfCheck.objects.filter(pk=pk).update(state=State.FAILED)
    assert check_queue.request_due(now + 9 * MINUTE) == []
    assert len(check_queue.request_due(now + 10 * MINUTE)) == 1


def test_without_a_newer_queue_there_is_nothing_to_check(cluster, rung) -> None:
    now = timezone.now()
    row = checked(cluster)
    assert row.state == State.DONE
    assert check_queue.request_due(now + 11 * MINUTE) == []
    store_polls(cluster, later=11 * MINUTE)
    assert len(check_queue.request_due(now + 22 * MINUTE)) == 1


def test_a_paused_cluster_or_one_never_read_is_not_checked(cluster, rung) -> None:
    make_cluster("new")
    Cluster.objects.filter(pk=cluster.pk).update(polling_paused=True)
    assert check_queue.request_due(timezone.now()) == []


def test_the_beat_asks_and_the_worker_answers(
    cluster, rung, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        request_forecasts()
    (pk,) = [pk for name, pk in rung if name == check_queue.TASK]
    check_model(pk)
    row = SelfCheck.objects.get(pk=pk)
    assert row.state == State.DONE
    assert row.result["verdicts"]["cpu"]["trust"] == "trusted"
    assert row.result["starts"] == [121, 121]


def test_it_goes_back_to_the_last_queue_whose_plan_is_dated(cluster) -> None:
    store_polls(cluster, later=2 * MINUTE)
    undated = Poll.objects.filter(cluster=cluster, command="sdiag").first()
    Poll.objects.filter(pk=undated.pk).update(raw=Poll.compress(undated.text.replace("Last c", "")))
    row = checked(cluster)
    assert row.snapshot_at == Poll.objects.filter(command="squeue").last().started_at
    assert row.result["verdicts"]["gpu"]["trust"] == "trusted"


def test_without_sdiag_nothing_is_judged(cluster) -> None:
    Poll.objects.filter(command="sdiag").delete()
    trusts = {one["trust"] for one in checked(cluster).result["verdicts"].values()}
    assert trusts == {"cannot tell"}


def test_a_check_that_fails_says_why(client, people, cluster) -> None:
    Poll.objects.filter(command__in=["nodes", "sdiag"]).delete()
    row = checked(cluster)
    assert row.state == State.FAILED
    assert "holds no nodes" in row.error
    assert "holds no nodes" in page(client, people.staff)


def test_the_newest_result_is_kept_however_old(cluster, rung) -> None:
    old, _older = (
        SelfCheck.objects.create(
            cluster=cluster, requested_at=timezone.now() - timedelta(days=days), state=State.DONE
        )
        for days in (3, 4)
    )
    check_queue.sweep(timezone.now())
    assert list(SelfCheck.objects.all()) == [old]


def test_a_doorbell_that_nobody_heard_is_rung_again(
    cluster, rung, django_capture_on_commit_callbacks
) -> None:
    now = timezone.now()
    row = SelfCheck.objects.create(cluster=cluster, requested_at=now - 2 * MINUTE)
    with django_capture_on_commit_callbacks(execute=True):
        check_queue.sweep(now)
    assert rung == [(check_queue.TASK, row.pk)]


def test_before_the_first_check_the_page_says_when_one_comes(client, people, cluster) -> None:
    assert "No check yet" in page(client, people.staff)


def test_the_page_leads_with_a_sentence_for_each_partition(client, people, cluster) -> None:
    checked(cluster)
    html = page(client, people.staff)
    trusted = "cpu: trusted: 50 of 50 planned starts are within a backfill interval of Slurm's."
    assert trusted in html
    assert html.index(trusted) < html.index("Priorities by factor")
    assert "debug: cannot tell, because none of its jobs have a planned start" in html
    assert "121 of 121" in html and "its plan is of" in html
    assert "JOBSIZE 12 for 19" in html


def test_only_staff_sees_it(client, people, cluster) -> None:
    page(client, people.mallory, status=403)


def test_the_polls_page_leads_to_it(client, people, cluster) -> None:
    client.force_login(people.staff)
    assert "/clusters/lab/self-check" in client.get("/clusters/lab/polls").content.decode()
