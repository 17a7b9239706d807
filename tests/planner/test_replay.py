"""Forecasts of past instants: what they may know, and when they are made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app

from planner.forecasting import forecast_batches, forecast_queue
from planner.models import Forecast
from planner.record import replay
from planner.tasks import replay_next, request_forecasts
from tests.factories import make_cluster
from tests.planner.plan_world import small_cluster, store_polls
from tracker import polling
from tracker.models import Cluster, Poll, PollClaim, StartEstimate

State = Forecast.State
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
LATER = datetime(2100, 1, 1, tzinfo=UTC)  # than any replay that the clock of this machine dates


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """Tasks that the broker was given, and after how many seconds."""
    bells: list[tuple[str, float | None]] = []
    monkeypatch.setattr(
        current_app,
        "send_task",
        lambda name, *_, countdown=None, **__: bells.append((name, countdown)),
    )
    return bells


@pytest.fixture
def cluster(db: None) -> Cluster:
    """Its polls of one minute are stored, its waiting jobs known, its accounting read; nobody
    follows it any more."""
    cluster = small_cluster()
    cluster.polling_paused = True
    cluster.save()
    return cluster


@pytest.fixture
def known_at(cluster: Cluster) -> datetime:
    """When all of that minute was known."""
    polls = Poll.objects.filter(cluster=cluster).exclude(command="sacct")
    return max(poll.started_at + poll.seconds * SECOND for poll in polls)


@pytest.fixture(autouse=True)
def accounted(cluster: Cluster) -> None:
    """Accounting was read last a day later."""
    sacct = Poll.objects.get(cluster=cluster, command="sacct")
    sacct.started_at += 24 * HOUR
    sacct.save()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forecast._meta.get_field("horizon_s"), "default", 600)
    monkeypatch.setattr(replay, "REPLICAS", 2)


def make(now: datetime) -> Forecast:
    """The next replay, and its row."""
    made = set(Forecast.objects.filter(state=State.DONE).values_list("pk", flat=True))
    assert replay.replay_next(now)
    return Forecast.objects.filter(state=State.DONE).exclude(pk__in=made).get()


def test_a_replay_says_what_a_forecast_of_that_time_would_have_said(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    asked = {"requested_at": known_at, "replicas": replay.REPLICAS}
    live = Forecast.objects.create(cluster=cluster, **asked)
    forecast_batches.compute(live.pk)
    in_time = list(StartEstimate.objects.order_by("job").values_list("job", "p50_at"))
    StartEstimate.objects.all().delete()
    store_polls(cluster, later=3 * HOUR)  # the same jobs, all of them three hours later
    assert replay.ask(cluster, [known_at], known_at + 24 * HOUR) == 1
    row = make(LATER)
    estimates = StartEstimate.objects.order_by("job")
    assert list(estimates.values_list("job", "p50_at")) == in_time
    assert len(in_time) == 14
    assert set(estimates.values_list("issued_at", "is_replayed")) == {(known_at, True)}
    assert (
        row.snapshot_at == Poll.objects.filter(command="squeue").earliest("started_at").started_at
    )
    assert row.input_ages_s["squeue"] == (known_at - row.snapshot_at).total_seconds()


def test_an_instant_before_any_poll_fails_and_says_what_lacks(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    replay.ask(cluster, [known_at - HOUR], known_at)
    for days in range(3):
        replay.replay_next(LATER + days * 24 * HOUR)
    row = Forecast.objects.get()
    assert (row.state, "squeue" in row.error) == (State.FAILED, True)
    assert replay.progress(cluster) == (1, 1)
    assert not StartEstimate.objects.exists()


def test_nothing_is_replayed_before_accounting_has_told_of_that_time(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    Poll.objects.filter(command="sacct").update(started_at=known_at - SECOND)
    replay.ask(cluster, [known_at], known_at)
    assert replay.replay_next(LATER) is False
    Poll.objects.filter(command="sacct").update(started_at=known_at + SECOND)
    assert replay.replay_next(LATER) is True


def test_the_oldest_comes_first_so_that_it_has_the_milestones_of_its_jobs(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    store_polls(cluster, later=HOUR)
    store_polls(cluster, later=2 * HOUR)
    assert replay.ask(cluster, [known_at + HOUR, known_at + 2 * HOUR, known_at], known_at) == 3
    assert make(LATER).as_of == known_at
    assert replay.progress(cluster) == (1, 3)
    for days in (1, 2):
        make(LATER + days * 24 * HOUR)
    record = StartEstimate.objects.exclude(milestone_minutes=None).order_by("issued_at")
    attempts = record.values_list("job", "milestone_minutes")
    assert len(attempts) == len(set(attempts)) > 14
    assert {row.issued_at for row in record[:14]} == {known_at}


def test_of_a_cluster_that_is_followed_the_present_is_told_before_the_past(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    cluster.polling_paused = False
    cluster.save()
    replay.ask(cluster, [known_at], known_at)
    assert replay.replay_next(LATER) is False
    Forecast.objects.create(cluster=cluster, requested_at=known_at, state=State.DONE)
    assert replay.replay_next(LATER) is True


def test_live_forecasts_come_before_replays(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    replay.ask(cluster, [known_at], known_at)
    live = Forecast.objects.create(cluster=cluster, requested_at=known_at)
    assert replay.replay_next(LATER) is False
    forecast_batches.compute(live.pk)
    assert replay.replay_next(LATER) is True


def test_replays_rest_so_long_that_they_keep_to_their_share(
    cluster: Cluster, known_at: datetime, rung: list, django_capture_on_commit_callbacks
) -> None:
    replay.ask(cluster, [known_at, known_at + HOUR], known_at)
    with django_capture_on_commit_callbacks(execute=True):
        replay.replay_next(LATER)
    (name, after_s), row = rung[0], Forecast.objects.get(state=State.DONE)
    rest_s = row.cpu_s * (1 / replay.DUTY - 1)
    assert (name, after_s) == (replay.TASK, pytest.approx(rest_s, abs=1e-5))
    assert replay.replay_next(row.finished_at + 0.9 * rest_s * SECOND) is False
    with django_capture_on_commit_callbacks(execute=True):
        assert replay.replay_next(row.finished_at + 1.1 * rest_s * SECOND) is True
    assert len(rung) == 1  # after the last there is nothing to ring for


def test_one_replay_is_made_at_a_time(cluster: Cluster, known_at: datetime, rung: list) -> None:
    replay.ask(cluster, [known_at, known_at + HOUR], known_at)
    Forecast.objects.filter(as_of=known_at).update(state=State.RUNNING)
    assert replay.replay_next(LATER) is False


def test_an_instant_is_asked_for_once_and_its_estimates_outlive_its_row(
    cluster: Cluster, known_at: datetime, rung: list
) -> None:
    assert replay.ask(cluster, [known_at], known_at) == 1
    assert replay.ask(cluster, [known_at, known_at], known_at) == 0
    replay.replay_next(LATER)
    Forecast.objects.all().delete()
    assert replay.ask(cluster, [known_at], known_at) == 0
    assert replay.ask(make_cluster("other"), [known_at], known_at) == 1


def test_asking_keeps_the_polls_of_that_cluster(cluster: Cluster, known_at: datetime) -> None:
    now = datetime.now().astimezone()
    count = Poll.objects.filter(cluster=cluster).count()
    store_polls(cluster, later=now - known_at)
    replay.ask(cluster, [known_at], now)
    polling.prune(now - timedelta(days=1))
    assert Poll.objects.filter(cluster=cluster).count() == 2 * count
    assert PollClaim.objects.get().until == now + replay.GIVE_UP


def test_the_beat_rings_for_replays_behind_the_live_forecasts(
    cluster: Cluster, known_at: datetime, rung: list, django_capture_on_commit_callbacks
) -> None:
    cluster.polling_paused = False
    cluster.save()
    replay.ask(cluster, [known_at], known_at)
    with django_capture_on_commit_callbacks(execute=True):
        request_forecasts()
    tasks = [name for name, _ in rung]
    assert tasks.index(forecast_queue.TASK) < tasks.index(replay.TASK)
    assert not Forecast.objects.filter(as_of=known_at).exclude(state=State.QUEUED).exists()
    forecast_batches.compute(Forecast.objects.get(as_of=None).pk)
    replay_next()
    assert Forecast.objects.get(as_of=known_at).state == State.DONE


def test_done_replays_are_forgotten_when_none_is_left_to_be_made(
    cluster: Cluster, known_at: datetime
) -> None:
    replay.ask(cluster, [known_at, known_at + HOUR], known_at)
    Forecast.objects.filter(as_of=known_at).update(state=State.DONE)
    later = known_at + forecast_queue.KEEP + SECOND
    replay.sweep(later)
    forecast_queue.sweep(later)
    assert replay.progress(cluster) == (1, 2)
    Forecast.objects.update(state=State.DONE)
    replay.sweep(later - 2 * SECOND)
    assert replay.progress(cluster) == (2, 2)
    replay.sweep(later)
    assert replay.progress(cluster) == (0, 0)


def test_a_replay_that_could_not_be_made_for_a_week_is_given_up(
    cluster: Cluster, known_at: datetime
) -> None:
    replay.ask(cluster, [known_at], known_at)
    replay.sweep(known_at + replay.GIVE_UP - SECOND)
    assert replay.progress(cluster) == (0, 1)
    replay.sweep(known_at + replay.GIVE_UP + SECOND)
    assert replay.progress(cluster) == (0, 0)
