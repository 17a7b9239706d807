"""Forecasts as claimed rows: asked for once a queue poll, computed once, given up in the end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from celery import current_app

from planner.forecasting import forecast_batches, forecast_queue
from planner.models import Forecast
from planner.tasks import compute_forecast, request_forecasts
from tests.factories import make_cluster, make_experiment, make_job, make_people
from tests.planner.plan_world import store_polls
from tracker.models import Cluster, Job, Poll, Run, StartEstimate

State = Forecast.State
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cluster(db: None) -> Cluster:
    cluster = make_cluster()
    store_polls(cluster)
    return cluster


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of forecasts that the broker was given."""
    ids: list[int] = []

    def send_task(name: str, args: list[int], **_: object) -> None:
        ids.extend(args if name == forecast_queue.TASK else ())

    monkeypatch.setattr(current_app, "send_task", send_task)
    return ids


def queue_read_at(cluster: Cluster) -> datetime:
    return Poll.objects.filter(cluster=cluster, command="squeue").latest("started_at").started_at


def request_due(now: datetime, capture) -> list[int]:
    with capture(execute=True):
        return forecast_queue.request_due(now)


def test_a_queue_read_anew_asks_for_one_forecast(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    asked = request_due(now, django_capture_on_commit_callbacks)
    assert rung == asked
    assert len(asked) == 1
    assert request_due(now + MINUTE, django_capture_on_commit_callbacks) == []  # still open


def test_nothing_new_since_the_last_forecast_asks_for_nothing(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    done = {"state": State.DONE, "requested_at": now, "snapshot_at": queue_read_at(cluster)}
    Forecast.objects.create(cluster=cluster, cpu_s=1.0, **done)
    assert request_due(now + MINUTE, django_capture_on_commit_callbacks) == []
    store_polls(cluster, later=2 * MINUTE)
    assert len(request_due(now + 2 * MINUTE, django_capture_on_commit_callbacks)) == 1


def test_a_replay_of_the_past_is_no_forecast_of_now(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    past = {"as_of": now - timedelta(days=1), "cpu_s": 100.0, "requested_at": now}
    Forecast.objects.create(cluster=cluster, state=State.QUEUED, **past)
    Forecast.objects.create(cluster=cluster, state=State.DONE, snapshot_at=now, **past)
    assert len(request_due(now, django_capture_on_commit_callbacks)) == 1


def test_a_dear_forecast_is_asked_for_less_often(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    Forecast.objects.create(cluster=cluster, state=State.DONE, requested_at=now, cpu_s=27.0)
    due_at = now + timedelta(seconds=120)  # 27 s are 22.5 % of two minutes
    assert request_due(due_at - MINUTE, django_capture_on_commit_callbacks) == []
    assert len(request_due(due_at, django_capture_on_commit_callbacks)) == 1


def made(cluster: Cluster, at: datetime, *, replicas: int = 16, replica_s: float = 1.0) -> Forecast:
    """That knows what was known at ``at``, by one worker who did nothing else."""
    cpu_s = replicas * replica_s
    last = Forecast.objects.create(
        cluster=cluster,
        state=State.DONE,
        replicas=replicas,
        requested_at=at,
        facts_at=at,
        finished_at=at + timedelta(seconds=cpu_s),
        cpu_s=cpu_s,
    )
    last.batches.create(first_replica=0, replicas=replicas, state=State.DONE)
    return last


def test_a_very_dear_forecast_is_asked_for_in_time_to_be_there_within_ten_minutes(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    made(cluster, now - 20 * MINUTE, replicas=64, replica_s=4.0)
    made(cluster, now, replica_s=11.0)  # the next of 16 takes three minutes
    assert request_due(now + 6 * MINUTE, django_capture_on_commit_callbacks) == []
    assert len(request_due(now + 7 * MINUTE, django_capture_on_commit_callbacks)) == 1


def test_an_hours_share_that_is_used_up_lets_a_forecast_grow_old(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster) + MINUTE
    made(cluster, now, replica_s=60.0)
    assert request_due(now + 30 * MINUTE, django_capture_on_commit_callbacks) == []


@pytest.mark.parametrize(("replica_s", "looks_h"), [(3.0, 24), (6.7, 11), (100.0, 6)])
@pytest.mark.usefixtures("rung")
def test_dear_replicas_look_less_far_ahead_so_that_forecasts_stay_young(
    cluster: Cluster, django_capture_on_commit_callbacks, replica_s: float, looks_h: int
) -> None:
    now = queue_read_at(cluster) + MINUTE
    made(cluster, now - 2 * forecast_queue.HOUR, replica_s=replica_s)
    (asked,) = request_due(now, django_capture_on_commit_callbacks)
    assert Forecast.objects.get(pk=asked).horizon_s == 3600 * looks_h


@pytest.mark.usefixtures("rung")
class TestAJobStartedHere:
    """Its user looks at a page, and gets a first answer before the rest is over."""

    @pytest.fixture
    def now(self, cluster: Cluster) -> datetime:
        return queue_read_at(cluster) + MINUTE

    @pytest.fixture
    def job(self, cluster: Cluster) -> Job:
        experiment = make_experiment(make_people().alice)
        job = make_job(cluster, in_queue=True)
        Run.objects.create(experiment=experiment, job=job)
        return job

    def made(self, cluster: Cluster, at: datetime, cpu_s: float) -> None:
        fields = {"state": State.DONE, "snapshot_at": at - timedelta(days=1)}
        Forecast.objects.create(cluster=cluster, requested_at=at, cpu_s=cpu_s, **fields)

    def is_due(self, now: datetime) -> bool:
        return bool(forecast_queue.request_due(now))

    @pytest.mark.usefixtures("job")
    def test_hurries_the_next_forecast(self, cluster: Cluster, now: datetime) -> None:
        self.made(cluster, now, cpu_s=100.0)
        assert self.is_due(now + MINUTE)

    def test_hurries_no_more_once_something_was_said_of_it(
        self, cluster: Cluster, job: Job, now: datetime
    ) -> None:
        self.made(cluster, now, cpu_s=100.0)
        said = {"issued_at": now, "snapshot_at": now, "submit_at": job.submit_at}
        StartEstimate.objects.create(job=job, horizon_s=60, replicas=4, **said)
        assert not self.is_due(now + MINUTE)

    @pytest.mark.usefixtures("job")
    def test_hurries_none_when_the_share_of_the_hour_is_used_up(
        self, cluster: Cluster, now: datetime
    ) -> None:
        for ago in (40, 20, 0):
            self.made(cluster, now - ago * MINUTE, cpu_s=300.0)
        assert not self.is_due(now + MINUTE)

    def test_another_job_hurries_none(self, cluster: Cluster, now: datetime) -> None:
        make_job(cluster, in_queue=True)
        self.made(cluster, now, cpu_s=100.0)
        assert not self.is_due(now + MINUTE)


@pytest.mark.parametrize(
    ("replica_s", "many_ago", "many_replica_s", "replicas"),
    [
        (0.4, 6, 0.4, forecast_queue.MANY),  # 64 would take 26 s of two minutes
        (1.2, 6, 1.2, forecast_queue.FEW),
        (1.2, 15, 1.2, forecast_queue.FEW),
        (1.2, 26, 1.2, forecast_queue.MANY),  # dear, but with 16 first they would be too old
        (2.5, 26, 11.0, forecast_queue.FEW),  # the hour's share has no room for 64
    ],
)
@pytest.mark.usefixtures("rung")
def test_a_forecast_has_as_many_replicas_as_can_be_afforded(
    cluster: Cluster,
    django_capture_on_commit_callbacks,
    *,
    replica_s: float,
    many_ago: int,
    many_replica_s: float,
    replicas: int,
) -> None:
    now = queue_read_at(cluster) + 30 * MINUTE
    made(cluster, now - many_ago * MINUTE, replicas=64, replica_s=many_replica_s)
    made(cluster, now - 5 * MINUTE, replica_s=replica_s)
    (asked,) = request_due(now, django_capture_on_commit_callbacks)
    assert Forecast.objects.get(pk=asked).replicas == replicas


def test_a_paused_cluster_and_one_never_read_get_no_forecast(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    make_cluster("unread")
    Cluster.objects.filter(pk=cluster.pk).update(polling_paused=True)
    now = queue_read_at(cluster) + MINUTE
    assert request_due(now, django_capture_on_commit_callbacks) == []


def test_a_forecast_is_computed_once_however_often_it_is_rung(cluster: Cluster) -> None:
    row = Forecast.objects.create(cluster=cluster, requested_at=queue_read_at(cluster))
    assert row.replicas == 1
    assert forecast_batches.compute(row.pk) is True
    assert forecast_batches.compute(row.pk) is False
    row.refresh_from_db()
    assert (row.state, row.tries, row.jobs, row.error) == (State.DONE, 1, 221, "")
    assert row.snapshot_at == queue_read_at(cluster)
    assert row.input_ages_s.keys() >= {"squeue", "nodes", "partitions", "sprio"}
    assert row.cpu_s is not None
    assert row.cpu_s > 0


def test_a_forecast_that_fails_is_tried_again_and_then_given_up(db: None) -> None:
    empty = make_cluster()
    row = Forecast.objects.create(cluster=empty, requested_at=datetime.now().astimezone())
    states = []
    for _ in range(4):
        compute_forecast(row.pk)
        row.refresh_from_db()
        states.append((row.state, row.batches.get().tries))
    queued = State.QUEUED
    assert states == [(queued, 1), (queued, 2), (State.FAILED, 3), (State.FAILED, 3)]
    assert "squeue" in row.error


def test_the_sweep_rings_lost_work_again_and_forgets_old_rows(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    now = queue_read_at(cluster)
    make = Forecast.objects.create
    old = make(cluster=cluster, state=State.DONE, requested_at=now - timedelta(days=2))
    stale = {"state": State.RUNNING, "claimed_at": now - timedelta(minutes=11)}
    lost = make(cluster=cluster, requested_at=now - 12 * MINUTE, tries=1, **stale)
    hopeless = make(cluster=cluster, requested_at=now - 12 * MINUTE, tries=3, **stale)
    unheard = make(cluster=cluster, requested_at=now - 2 * MINUTE)
    in_work = make(cluster=cluster, requested_at=now - 2 * MINUTE)
    in_work.batches.create(first_replica=0, replicas=4, state=State.RUNNING, claimed_at=now)
    deserted = make(cluster=cluster, requested_at=now - 12 * MINUTE)
    batch = deserted.batches.create(first_replica=0, replicas=4, tries=1, **stale)
    fresh = make(cluster=cluster, requested_at=now)
    with django_capture_on_commit_callbacks(execute=True):
        forecast_queue.sweep(now)
    assert sorted(rung) == sorted([lost.pk, unheard.pk, deserted.pk])
    batch.refresh_from_db()
    assert batch.state == State.QUEUED
    assert not Forecast.objects.filter(pk=old.pk).exists()
    states = dict(Forecast.objects.values_list("pk", "state"))
    assert states[hopeless.pk] == State.FAILED
    assert states[fresh.pk] == State.QUEUED


def test_the_beats_task_sweeps_and_asks(
    cluster: Cluster, rung: list[int], django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        request_forecasts()
    assert rung == [Forecast.objects.get().pk]
