"""The past that forecasts draw from: which attempts, and what is told of them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest

from planner.forecasting import past_runs as module
from planner.forecasting.past_runs import past_runs
from tests.factories import NOW, make_cluster
from tracker.models import Attempt, Cluster, Job

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


def make(
    cluster: Cluster,
    job_id: int,
    submit_at: datetime,
    start_at: datetime | None,
    end_at: datetime | None,
    **fields: object,
) -> Job:
    times = {"submit_at": submit_at, "start_at": start_at, "end_at": end_at}
    of_job: dict[str, object] = {"partition": "gpu", "user": "alice", "account": "lab", **fields}
    job = Job.objects.create(
        cluster=cluster,
        job_id=job_id,
        first_submit_at=submit_at,
        first_seen_at=submit_at,
        changed_at=submit_at,
        state="COMPLETED" if end_at else "RUNNING" if start_at else "PENDING",
        in_queue=end_at is None,
        node_list="n1" if start_at else "",
        **times,
        **of_job,
    )
    Attempt.objects.create(job=job, number=0, state=job.state, node_list=job.node_list, **times)
    return job


def known(cluster: Cluster, at: datetime = NOW) -> list[int]:
    return [row.job_id for row in past_runs(cluster, at)]


def test_what_ran_lately_runs_or_waits_is_the_past(cluster: Cluster) -> None:
    make(cluster, 1, NOW - 62 * DAY, NOW - 61 * DAY, NOW - 60 * DAY)  # too long ago
    make(cluster, 2, NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR)
    make(cluster, 3, NOW - 2 * HOUR, NOW - HOUR, None)
    make(cluster, 4, NOW - HOUR, None, None)
    make(make_cluster("other"), 5, NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR)
    assert known(cluster) == [3, 2, 4]


def test_what_was_submitted_later_is_not_known_yet(cluster: Cluster) -> None:
    make(cluster, 1, NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR)
    make(cluster, 2, NOW - HOUR, NOW - HOUR, NOW)
    assert known(cluster, NOW - 2 * HOUR) == [1]
    assert known(cluster) == [2, 1]


def test_a_requeued_job_is_told_of_once_for_each_attempt(cluster: Cluster) -> None:
    job = make(cluster, 1, NOW - HOUR, None, None)
    earlier = {"submit_at": NOW - 3 * HOUR, "start_at": NOW - 2 * HOUR, "end_at": NOW - HOUR}
    Attempt.objects.filter(job=job).update(number=1)
    Attempt.objects.create(job=job, number=0, state="PREEMPTED", node_list="n1", **earlier)
    assert [row.state for row in past_runs(cluster, NOW)] == ["PREEMPTED", "PENDING"]


def test_only_the_newest_are_read_of_a_long_history(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in range(1, 6):
        make(cluster, hours, NOW - hours * HOUR, NOW - hours * HOUR, NOW - hours * HOUR)
    monkeypatch.setattr(module, "MOST", 2)
    assert known(cluster) == [1, 2]


def test_a_request_is_told_as_accounting_tells_it(cluster: Cluster) -> None:
    asked: dict[str, object] = {
        "name": "train", "qos": "high", "limit_unlimited": True, "cpus": 16, "node_count": 2,
        "mem_mib": 64_000, "gpus": {"a100": 2, "": 1}, "array_job_id": 1, "array_tasks": [4, 5],
        "features": "ib", "reservation": "course",
    }  # fmt: skip
    make(cluster, 1, NOW - HOUR, None, None, **asked)
    (row,) = past_runs(cluster, NOW)
    assert (row.user, row.account, row.name, row.partition) == ("alice", "lab", "train", "gpu")
    assert (row.qos, row.limit_minutes, row.array_job_id) == ("high", math.inf, 1)
    assert (row.array_tasks, row.constraints, row.reservation) == ((4, 5), "ib", "course")
    assert (row.req_cpus, row.req_nodes, row.req_tres.mem_mib) == (16, 2, 64_000)
    assert (row.req_tres.gpus, row.req_tres.gpus_by_type) == (3, {"a100": 2})
    assert (row.start_at, row.end_at, row.node_list) == (None, None, None)


def test_an_unknown_limit_stays_unknown(cluster: Cluster) -> None:
    make(cluster, 1, NOW - HOUR, None, None, limit_minutes=None)
    make(cluster, 2, NOW - HOUR, None, None, limit_minutes=30)
    assert {row.job_id: row.limit_minutes for row in past_runs(cluster, NOW)} == {1: None, 2: 30}
