"""Futures stored with a forecast: kept of the newest, read by whoever answers questions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from planner.forecasting import forecast_batches, stored_futures
from planner.forecasting.forecast_batches import compute
from planner.models import Forecast, ForecastBatch
from tests.planner.plan_world import small_cluster, store_polls
from tracker.models import Cluster

HORIZON_S = 600

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)


@pytest.fixture
def cluster() -> Cluster:
    return small_cluster()


@pytest.fixture
def nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas are made anew, though nothing has happened."""
    monkeypatch.setattr(forecast_batches, "HOLDS_FOR", timedelta(0))


def computed(cluster: Cluster, replicas: int = 5, **fields: object) -> Forecast:
    row = Forecast.objects.create(
        cluster=cluster,
        requested_at=timezone.now(),
        replicas=replicas,
        horizon_s=HORIZON_S,
        **fields,
    )
    assert compute(row.pk) is True
    row.refresh_from_db()
    return row


def with_futures() -> set[int]:
    """Ids of forecasts."""
    made = ForecastBatch.objects.exclude(futures=None)
    return set(made.values_list("forecast_id", flat=True))


def test_a_forecast_leaves_a_future_for_each_replica(cluster: Cluster) -> None:
    row = computed(cluster)
    found = stored_futures.newest(cluster)
    assert found is not None
    forecast, futures = found
    assert forecast == row
    assert [future.replica for future in futures] == [0, 1, 2, 3, 4]
    assert {future.horizon_s for future in futures} == {HORIZON_S}
    assert "996" in {bar.key for bar in futures[0].bars()}


def test_before_the_first_forecast_there_are_none(cluster: Cluster) -> None:
    assert stored_futures.newest(cluster) is None


@pytest.mark.usefixtures("nothing_holds")
def test_those_of_the_newest_forecast_alone_are_kept(cluster: Cluster) -> None:
    old = computed(cluster)
    assert with_futures() == {old.pk}
    new = computed(cluster)
    assert with_futures() == {new.pk}
    found = stored_futures.newest(cluster)
    assert found is not None
    assert found[0] == new


def test_they_stay_while_nothing_new_happens(cluster: Cluster) -> None:
    row = computed(cluster)
    later = computed(cluster)
    assert not later.batches.exists()
    assert with_futures() == {row.pk}


def test_a_replay_leaves_none(cluster: Cluster) -> None:
    row = computed(cluster, as_of=timezone.now())
    assert row.state == Forecast.State.DONE
    assert with_futures() == set()


@pytest.mark.usefixtures("nothing_holds")
def test_a_replay_takes_none_away(cluster: Cluster) -> None:
    row = computed(cluster)
    computed(cluster, as_of=timezone.now())
    assert with_futures() == {row.pk}


def test_without_history_there_is_one_the_plan(db: None) -> None:
    cluster = Cluster.objects.create(name="bare")
    store_polls(cluster)
    from tracker.models import Poll

    Poll.objects.filter(cluster=cluster, command="sacct").delete()
    computed(cluster)
    found = stored_futures.newest(cluster)
    assert found is not None
    assert [future.replica for future in found[1]] == [0]
