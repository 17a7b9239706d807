"""Batches of replicas: claimed one by one, published first and last, left out once they agree."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from celery import current_app
from django.utils import timezone

from planner.forecasting import forecast_batches
from planner.forecasting.forecast_batches import compute
from planner.models import Forecast, ForecastBatch
from planner.tasks import compute_forecast
from tests.planner.plan_world import small_cluster, store_polls
from tracker import work
from tracker.models import Cluster, Job, Poll, StartEstimate

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


@pytest.fixture
def nothing_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas are made anew, though nothing has happened."""
    monkeypatch.setattr(forecast_batches, "HOLDS_FOR", timedelta(0))


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


@pytest.mark.usefixtures("nothing_holds")
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
    lost_by = second.claimed_at + MINUTE
    work.recover(ForecastBatch.objects.all(), claimed_before=lost_by, now=lost_by)
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


@pytest.mark.usefixtures("nothing_holds")
def test_replicas_are_the_same_in_whatever_batches_they_are_made(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starts(batch: int) -> list[datetime]:
        monkeypatch.setattr(forecast_batches, "BATCH", batch)
        compute(asked(cluster, replicas=6).pk)
        said = StartEstimate.objects.filter(is_newest=True).order_by("job")
        return list(said.values_list("p10_at", "p50_at", "p90_at"))

    assert starts(2) == starts(6)


def test_the_rest_is_left_out_once_the_replicas_agree(cluster: Cluster) -> None:
    row = asked(cluster, replicas=64, horizon_s=60)  # in which next to nothing starts
    compute(row.pk)
    row.refresh_from_db()
    assert row.state == State.DONE
    assert row.batches.count() * forecast_batches.BATCH == said_of(996).replicas
    assert forecast_batches.FEW <= said_of(996).replicas < 64


def test_where_nothing_has_run_yet_there_is_one_plan(cluster: Cluster) -> None:
    poll = Poll.objects.get(command="squeue")
    waiting = "\n".join(line for line in poll.text.split("\n") if "RUNNING" not in line)
    Poll.objects.filter(pk=poll.pk).update(raw=Poll.compress(waiting))
    Job.objects.exclude(state="PENDING").delete()
    row = asked(cluster, replicas=64)
    compute(row.pk)
    row.refresh_from_db()
    assert (row.state, row.batches.count()) == (State.DONE, 1)
    told = said_of(996)
    assert (told.method, told.replicas, told.p90_at, told.raw_p50_at) == ("plan", 1, None, None)


def test_a_batch_that_fails_for_good_fails_the_forecast(row: Forecast) -> None:
    Poll.objects.filter(command="nodes").delete()
    for _ in range(work.MAX_TRIES):
        compute_forecast(row.pk)
    row.refresh_from_db()
    assert (row.state, "nodes" in row.error) == (State.FAILED, True)
    assert row.batches.get().tries == work.MAX_TRIES
    assert not StartEstimate.objects.exists()


def a_minute_later(cluster: Cluster) -> None:
    """The same answers once more: nothing has happened."""
    for poll in Poll.objects.filter(cluster=cluster):
        poll.started_at += MINUTE
        poll.save()


def test_without_news_what_was_said_still_holds(row: Forecast) -> None:
    compute(row.pk)
    said = list(StartEstimate.objects.order_by("pk").values())
    a_minute_later(row.cluster)
    again = asked(row.cluster)
    assert compute(again.pk) is True
    again.refresh_from_db()
    assert (again.state, again.batches.count()) == (State.DONE, 0)
    assert again.snapshot_at == Poll.objects.get(command="squeue").started_at
    assert list(StartEstimate.objects.order_by("pk").values()) == said
    assert Forecast.newest_made(row.cluster) == row


def test_with_news_or_after_ten_minutes_replicas_are_made_anew(row: Forecast) -> None:
    compute(row.pk)
    Forecast.objects.filter(pk=row.pk).update(facts_at=timezone.now() - 10 * MINUTE)
    old = asked(row.cluster)
    compute(old.pk)
    assert old.batches.count() == 2
    drain_a_node(row.cluster)
    new = asked(row.cluster)
    compute(new.pk)
    assert new.batches.count() == 2


def drain_a_node(cluster: Cluster) -> None:
    """A newer poll tells so of one of the two that the jobs for highmem wait for."""
    old = Poll.objects.filter(cluster=cluster, command="nodes").latest("started_at")
    others, last = old.text.split("NodeName=highmem02")
    drained = f"NodeName=highmem02{last.replace('State=MIXED', 'State=MIXED+DRAIN')}"
    Poll.objects.create(
        cluster=cluster,
        command="nodes",
        argv=old.argv,
        started_at=timezone.now(),
        rc=0,
        seconds=0.0,
        ok=True,
        raw=Poll.compress(others + drained),
    )


def test_a_start_that_moved_says_how_far_since_when_and_why(row: Forecast) -> None:
    compute(row.pk)
    newest = StartEstimate.objects.filter(is_newest=True)
    before = {said.job_id: said for said in newest}
    assert {(said.moved_s, said.moved_why) for said in before.values()} == {(None, "")}
    drain_a_node(row.cluster)
    compute(asked(row.cluster).pk)
    moved = newest.all().filter(moved_s__gt=60.0)
    assert {said.partition for said in moved} == {"highmem"}
    for said in moved:
        assert said.moved_s == (said.p50_at - before[said.job_id].p50_at).total_seconds()
        assert said.moved_since == before[said.job_id].issued_at
        assert "node" in said.moved_why
