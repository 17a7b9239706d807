"""Watches looked at after a forecast, in the futures that it keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from planner.models import Forecast, ForecastBatch, Watch
from planner.tasks import compute_forecast
from planner.watches import looking, watching
from tests.planner.plan_world import small_cluster
from tests.planner.watch_world import asked, option
from tracker.models import Actor, Cluster, ClusterAccount, Poll

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = small_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    return cluster


def forecast(cluster: Cluster) -> Forecast:
    row = Forecast.objects.create(cluster=cluster, requested_at=timezone.now(), horizon_s=3_600)
    compute_forecast(row.pk)
    row.refresh_from_db()
    assert row.state == "done", row.error
    return row


def promised(people, cluster: Cluster) -> Watch:
    """A watch for a job that was promised a start in two days, when the queue was longer; the last
    look saw a better slot first."""
    before = Poll.objects.get(cluster=cluster, command="squeue").started_at - MINUTE
    question = asked(people.alice, cluster, before, option(48 * HOUR))
    watch = watching.begin(Actor(people.alice), question, None, before)
    watch.best_p50_at = before
    watch.save()
    return watch


def test_the_task_that_makes_a_forecast_rings_for_what_is_watched(
    people, cluster, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    watch = promised(people, cluster)
    Watch.objects.update(expires_at=timezone.now() + HOUR)  # the recorded queue is of long ago
    rung: list[tuple[str, int]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: rung.append((name, args[0])))
    with django_capture_on_commit_callbacks(execute=True):
        forecast(cluster)
    for name, pk in rung:
        current_app.tasks[name](pk)
    assert watch.slots.exists()


def test_a_published_forecast_looks_and_finds_the_better_slot_once(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, cluster)
    assert looking.look_after(made.pk, made.snapshot_at) == 1
    watch.refresh_from_db()
    assert watch.checked_at == made.snapshot_at
    assert watch.best_p50_at == watch.told_p50_at < watch.better_by_at
    [slot] = watch.slots.all()
    assert slot.where.startswith("gpu") and "--partition=gpu" in slot.sbatch_args
    assert looking.look_after(made.pk, made.snapshot_at) == 0


def test_one_look_answers_all_watches_of_a_request_and_costs_no_simulation(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, cluster)
    watch.pk, watch.user = None, people.bob
    watch.save()
    batches = ForecastBatch.objects.count()
    assert looking.look_after(made.pk, made.snapshot_at) == 2
    assert ForecastBatch.objects.count() == batches


def test_a_few_requests_are_looked_at_between_two_bells_the_longest_unseen_first(
    people, cluster, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    rung: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(looking, "AT_ONCE", 1)
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: rung.append((name, args)))
    made = forecast(cluster)
    seen, unseen = promised(people, cluster), promised(people, cluster)
    assert seen == unseen  # the same wish; now another's request, which was not looked at so long
    unseen.pk, unseen.request_sha256 = None, "b"
    unseen.checked_at -= HOUR
    unseen.save()
    for expected in (unseen, seen):
        with django_capture_on_commit_callbacks(execute=True):
            assert looking.look_after(made.pk, made.snapshot_at) == 1
        assert expected.slots.exists()
    assert rung == [(looking.TASK, [made.pk])]


def test_the_first_look_settles_what_was_simulated(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, cluster)
    Watch.objects.update(is_settled=False)
    looking.look_first(watch.pk, made.snapshot_at)
    watch.refresh_from_db()
    assert watch.is_settled and not watch.slots.exists()


def test_without_stored_futures_nothing_is_looked_at(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, cluster)
    ForecastBatch.objects.update(futures=None)
    assert looking.look_after(made.pk, made.snapshot_at) == 0
    checked_at = watch.checked_at
    watch.refresh_from_db()
    assert watch.checked_at == checked_at


def test_a_forecast_that_failed_or_found_nothing_new_looks_at_nothing(people, cluster) -> None:
    made = forecast(cluster)
    promised(people, cluster)
    Forecast.objects.update(state="failed")
    assert looking.look_after(made.pk, made.snapshot_at) == 0
    Forecast.objects.update(state="done")
    ForecastBatch.objects.all().delete()
    assert looking.look_after(made.pk, made.snapshot_at) == 0
