"""What history alone would have said, stored beside the forecasts that the record holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from planner.record.past_waits import RecentWaits
from tests.factories import NOW, make_cluster
from tests.planner.issued import issue
from tests.planner.plan_world import small_cluster
from tests.planner.recorded import recorded_facts
from tracker.models import Cluster, Job, StartEstimate
from tracker.slurm.records import QueuedJob

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
TAKEN_AT = recorded_facts().taken_at


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


def started(
    cluster: Cluster, wait_minutes: float, *, ago: timedelta = 10 * MINUTE, **fields: object
) -> None:
    """A job of 4 CPUs that started so long before NOW."""
    number = Job.objects.count() + 1
    at = NOW - ago
    submit_at = at - wait_minutes * MINUTE
    given: dict[str, object] = {
        "state": "COMPLETED",
        "start_at": at,
        "end_at": at + MINUTE,
        "cpus": 4,
        "partition": "gpu",
        "limit_minutes": 60,
    }
    times = {"first_submit_at": submit_at, "submit_at": submit_at, "first_seen_at": at}
    Job.objects.create(cluster=cluster, job_id=number, changed_at=at, **(times | given | fields))


def waiting(*partitions: str, **fields: object) -> QueuedJob:
    given: dict[str, object] = {"cpus": 4, "limit_minutes": 60.0}
    return QueuedJob(
        job_id=1, state="PENDING", user="alice", name="x", partitions=partitions, **(given | fields)
    )


def median_minutes(
    cluster: Cluster, record: QueuedJob, *, at: datetime = NOW, waited_s: float = 0.0
) -> float | None:
    said = RecentWaits(cluster, at).left(record, waited_s)
    return None if said is None or said.p50_s is None else said.p50_s / 60


def test_like_jobs_that_started_tell_the_wait(cluster: Cluster) -> None:
    for minutes in range(1, 22):
        started(cluster, minutes)
    assert median_minutes(cluster, waiting("gpu")) == 11


def test_what_started_later_or_long_ago_or_never_tells_nothing(cluster: Cluster) -> None:
    for _ in range(20):
        started(cluster, 5)
        started(cluster, 600, ago=-MINUTE)
        started(cluster, 700, ago=timedelta(days=31))
        started(cluster, 800, end_at=NOW - 10 * MINUTE)  # no node: cancelled while it waited
    assert median_minutes(cluster, waiting("gpu")) == 5
    started_since = RecentWaits(cluster, NOW + 2 * MINUTE).left(waiting("gpu"), 0.0)
    assert started_since is not None
    assert started_since.p90_s == 600 * 60


def test_a_job_that_waits_already_is_told_what_is_left(cluster: Cluster) -> None:
    for minutes in (1, 30, 40, 50):
        for _ in range(10):
            started(cluster, minutes)
    assert median_minutes(cluster, waiting("gpu"), waited_s=20 * 60) == 20


def test_the_quickest_of_several_partitions_counts(cluster: Cluster) -> None:
    for _ in range(12):
        started(cluster, 50)
        started(cluster, 20, partition="cpu")
    assert median_minutes(cluster, waiting("gpu", "cpu")) == 20
    assert median_minutes(cluster, waiting("gpu")) == 50


def test_a_short_history_or_an_unknown_size_tells_nothing(cluster: Cluster) -> None:
    started(cluster, 5)
    assert median_minutes(cluster, waiting("gpu")) is None
    for _ in range(20):
        started(cluster, 5)
    assert median_minutes(cluster, waiting("gpu", cpus=None)) is None


def of_history(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries if "LIMIT 20000" in query["sql"]]


def test_history_is_read_once_a_forecast_and_stored_with_milestones_only() -> None:
    cluster = small_cluster()
    for _ in range(20):  # as large as any of those that wait
        for partition in ("cpu", "highmem"):
            started(cluster, 50, ago=NOW - TAKEN_AT + MINUTE, cpus=32, partition=partition)
    with CaptureQueriesContext(connection) as queries:
        issue(cluster)
    assert len(of_history(queries)) == 1
    said = StartEstimate.objects.exclude(history_p50_at=None)
    assert said.count() == 14
    assert not said.filter(milestone_minutes=None).exists()
    for each in said:
        assert each.history_p50_at == each.submit_at + 50 * MINUTE
    with CaptureQueriesContext(connection) as queries:
        issue(cluster)
    assert of_history(queries) == []
    newest = StartEstimate.objects.filter(is_newest=True)
    assert not newest.exclude(history_p50_at=None).exists()
