"""Batches of replicas: claimed one by one, published first and last, left out once they agree."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from celery import current_app
from django.utils import timezone

from planner import forecast_batches, work
from planner.forecast_batches import compute
from planner.models import Forecast, ForecastBatch
from planner.tasks import compute_forecast
from tests.planner.plan_world import small_cluster, store_polls
from tracker.models import Cluster, Job, StartEstimate

State = Forecast.State
MINUTE = timedelta(minutes=1)
HORIZON_S = 1800  # half an hour: quick

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of forecasts that the broker was given."""
    ids: list[int] = []
    monkeypatch.setattr(current_app, "send_task", lambda _, args, **__: ids.extend(args))
    return ids


@pytest.fixture
def cluster() -> Cluster:
    return small_cluster()


@pytest.fixture
def row(cluster: Cluster) -> Forecast:
    return asked(cluster)


def asked(cluster: Cluster, *, replicas: int = 8, **fields: object) -> Forecast:
    given = {"requested_at": timezone.now(), "replicas": replicas, "horizon_s": HORIZON_S, **fields}
    return Forecast.objects.create(cluster=cluster, **given)


def first_batch_only(row: Forecast) -> None:
    """As it stands when one worker has made a batch and another has the next in hand."""
    forecast_batches._begun(row.pk)
    second = row.batches.get(first_replica=4)
    assert work.claim(ForecastBatch, second.pk) is not None
    compute(row.pk)


def said_of(job_id: int) -> StartEstimate:
    return StartEstimate.objects.get(job__job_id=job_id, is_newest=True)


def test_every_replica_is_in_one_batch_and_the_whole_is_published(row: Forecast) -> None:
    assert compute(row.pk) is True
    assert list(row.batches.values_list("first_replica", "replicas")) == [(0, 4), (4, 4)]
    row.refresh_from_db()
    assert (row.state, row.error) == (State.DONE, "")
    told = said_of(996)
    assert (told.method, told.replicas, told.horizon_s) == ("ensemble", 8, HORIZON_S)
    assert told.p10_at <= told.p50_at <= told.p90_at <= told.finish_p90_at
    assert (told.raw_p10_at, told.raw_p50_at, told.raw_p90_at) == (
        told.p10_at, told.p50_at, told.p90_at,
    )  # fmt: skip
    assert 0.0 <= told.p_within_10_min <= 1.0
    assert told.milestone_minutes is not None


def test_its_cost_is_that_of_all_batches_and_their_starts_are_let_go(row: Forecast) -> None:
    compute(row.pk)
    row.refresh_from_db()
    assert row.cpu_s > sum(row.batches.values_list("cpu_s", flat=True)) > 0.0
    assert set(row.batches.values_list("starts", flat=True)) == {None}


def test_one_worker_is_called_for_each_batch(
    row: Forecast, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        compute(row.pk)
    assert rung == [row.pk]  # beside the one that came


def test_the_first_batch_tells_of_jobs_of_which_nothing_was_said_yet(row: Forecast) -> None:
    first_batch_only(row)
    row.refresh_from_db()
    assert row.state == State.QUEUED  # another worker is at it
    first = said_of(996)
    assert (first.replicas, first.milestone_minutes) == (4, None)  # not of the record


def test_the_first_batch_leaves_alone_what_all_replicas_have_said(row: Forecast) -> None:
    compute(row.pk)
    Job.objects.get(job_id=996).estimates.all().delete()
    again = asked(row.cluster)
    first_batch_only(again)
    assert said_of(996).replicas == 4
    newest = StartEstimate.objects.filter(is_newest=True).exclude(job__job_id=996)
    assert set(newest.exclude(p50_at=None).values_list("replicas", flat=True)) == {8}


def test_whoever_closes_the_last_batch_publishes(row: Forecast) -> None:
    first_batch_only(row)
    second = row.batches.get(first_replica=4)
    work.recover(ForecastBatch.objects.all(), claimed_before=second.claimed_at + MINUTE, now=timezone.now())
    assert compute(row.pk) is True
    assert compute(row.pk) is False  # rung once more
    row.refresh_from_db()
    assert row.state == State.DONE
    assert said_of(996).replicas == 8


def test_a_poll_between_two_batches_changes_nothing(row: Forecast) -> None:
    first_batch_only(row)
    snapshot_at = said_of(996).snapshot_at
    store_polls(row.cluster, later=timezone.now() - snapshot_at)
    row.batches.update(state=State.QUEUED)
    compute(row.pk)
    told = said_of(996)
    assert (told.snapshot_at, told.replicas) == (snapshot_at, 8)


def test_replicas_are_the_same_in_whatever_batches_they_are_made(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starts(batch: int) -> list[datetime]:
        monkeypatch.setattr(forecast_batches, "BATCH", batch)
        compute(asked(cluster, replicas=6).pk)
        said = StartEstimate.objects.filter(is_newest=True).order_by("job")
        return list(said.values_list("p10_at", "p50_at", "p90_at"))

    assert starts(2) == starts(6)


def test_the_rest_is_left_out_once_the_replicas_agree(row: Forecast) -> None:
    # With nobody else in the way nothing is left to chance: all replicas say the same.
    Job.objects.exclude(job_id=1072).update(in_queue=False)
    many = asked(row.cluster, replicas=64)
    compute(many.pk)
    made = many.batches.count() * forecast_batches.BATCH
    assert forecast_batches.FEW <= made
    many.refresh_from_db()
    assert many.state == State.DONE
    assert said_of(996).replicas == made


def test_without_a_past_there_is_one_plan(cluster: Cluster) -> None:
    ...


def test_a_batch_that_fails_for_good_fails_the_forecast(row: Forecast) -> None:
    row.cluster.poll_set.filter(command="nodes").delete()
    for _ in range(work.MAX_TRIES):
        compute_forecast(row.pk)
    row.refresh_from_db()
    assert (row.state, "nodes" in row.error) == (State.FAILED, True)
    assert row.batches.get().tries == work.MAX_TRIES
    assert not StartEstimate.objects.exists()
