"""Watches looked at after a forecast, in the futures that it keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from planner import watching
from planner.models import Forecast, ForecastBatch, Watch
from planner.tasks import compute_forecast
from tests.planner.plan_world import small_cluster
from tests.planner.watch_world import asked, option
from tracker.models import Actor, Cluster, ClusterAccount

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


def promised(people, made: Forecast) -> Watch:
    """A watch for a job that was promised a start in two days, when the queue was longer."""
    before = made.snapshot_at - MINUTE
    question = asked(people.alice, made.cluster, before, option(48 * HOUR))
    return watching.begin(Actor(people.alice), question, None, before)


def test_a_published_forecast_looks_and_finds_the_better_slot_once(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, made)
    assert watching.look_after(made.pk, made.snapshot_at) == 1
    watch.refresh_from_db()
    assert watch.checked_at == made.snapshot_at
    assert watch.best_p50_at == watch.told_p50_at < watch.better_by_at
    [notice] = watch.notices.all()
    assert notice.where.startswith("gpu") and "--partition=gpu" in notice.sbatch_args
    assert watching.look_after(made.pk, made.snapshot_at) == 0


def test_one_look_answers_all_watches_of_a_request_and_costs_no_simulation(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, made)
    watch.pk, watch.user = None, people.bob
    watch.save()
    batches = ForecastBatch.objects.count()
    assert watching.look_after(made.pk, made.snapshot_at) == 2
    assert ForecastBatch.objects.count() == batches


def test_the_first_look_settles_what_was_simulated(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, made)
    Watch.objects.update(is_settled=False)
    watching.look_first(watch.pk, made.snapshot_at)
    watch.refresh_from_db()
    assert watch.is_settled and not watch.notices.exists()


def test_without_stored_futures_nothing_is_looked_at(people, cluster) -> None:
    made = forecast(cluster)
    watch = promised(people, made)
    ForecastBatch.objects.update(futures=None)
    assert watching.look_after(made.pk, made.snapshot_at) == 0
    checked_at = watch.checked_at
    watch.refresh_from_db()
    assert watch.checked_at == checked_at


def test_a_forecast_that_failed_or_found_nothing_new_looks_at_nothing(people, cluster) -> None:
    made = forecast(cluster)
    promised(people, made)
    Forecast.objects.update(state="failed")
    assert watching.look_after(made.pk, made.snapshot_at) == 0
    Forecast.objects.update(state="done")
    ForecastBatch.objects.all().delete()
    assert watching.look_after(made.pk, made.snapshot_at) == 0
