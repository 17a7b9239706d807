"""The predicted schedule's data: which future, whose jobs, and what PrivateData leaves out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.ensemble import Past, run_batch
from planner.futures import Future, pack
from planner.models import Forecast, ForecastBatch
from tests.factories import make_cluster
from tests.planner.plan_world import store_polls
from tests.sim.worlds import job, nodes, running, world
from tracker.models import Cluster, ClusterAccount, Poll

pytestmark = pytest.mark.django_db

HOUR = 3600.0


def future(replica: int, free_after_h: float) -> Future:
    """One node: wanda's job 1 runs on it, then alice's job 2 for two hours, then one to come."""
    of = world(
        nodes(4),
        running("1", on={"n0": 4}, user="wanda", limit_s=free_after_h * HOUR),
        job("2", tasks=4, user="alice", limit_s=2 * HOUR),
        job("3", tasks=4, user="wanda", limit_s=2 * HOUR, submit_s=-500.0),
    )
    made: list[Future] = []
    run_batch(of, Past(), seed=0, replicas=range(1), horizon_s=24 * HOUR, on_future=made.append)
    return replace(made[0], replica=replica, keys=("1", "2", None))


@pytest.fixture
def cluster(people) -> Cluster:
    """Followed once; three futures are kept, of which the second is in the middle."""
    cluster = make_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    store_polls(cluster)
    at = Poll.objects.get(command="squeue").started_at
    forecast = Forecast.objects.create(
        cluster=cluster,
        requested_at=at,
        snapshot_at=at,
        facts_at=at + timedelta(minutes=5),
        state="done",
    )
    futures = [future(number, free_after_h) for number, free_after_h in enumerate((1, 3, 9))]
    ForecastBatch.objects.create(
        forecast=forecast,
        first_replica=0,
        replicas=3,
        state="done",
        snapshot_at=at,
        futures=pack(futures),
    )
    return cluster


def told(client, user) -> dict:
    client.force_login(user)
    response = client.get("/clusters/lab/plan/schedule")
    assert response.status_code == 200
    return response.json()


def test_without_a_kept_future_there_is_nothing_to_draw(client, people) -> None:
    make_cluster()
    client.force_login(people.alice)
    assert client.get("/clusters/lab/plan/schedule").status_code == 204


def test_the_future_in_the_middle_is_told(client, people, cluster) -> None:
    schedule = told(client, people.alice)
    assert (schedule["replica"], schedule["replicas"]) == (1, 3)
    assert [bar["start_s"] for bar in schedule["bars"]] == [0, 3 * HOUR, 5 * HOUR]
    assert schedule["nodes"][0] == "cpu01"


def test_ones_own_jobs_are_marked_and_jobs_to_come_have_no_name(client, people, cluster) -> None:
    running, own, to_come = told(client, people.alice)["bars"]
    assert (running["name"], running["kind"], running["is_own"]) == ("1", "running", False)
    assert (to_come["name"], to_come["kind"]) == (None, "expected")
    assert (own["name"], own["kind"], own["is_own"]) == ("2", "waiting", True)


def test_reservations_block_their_nodes(client, people, cluster) -> None:
    schedule = told(client, people.alice)
    names = [
        (block["name"], schedule["nodes"][block["rows"][0][0]]) for block in schedule["blocks"]
    ]
    assert ("maint_hm", "highmem01") in names


def test_private_data_keeps_names_of_others_out(client, people, cluster) -> None:
    Cluster.objects.update(private_data=["jobs"])
    bars = told(client, people.alice)["bars"]
    assert [bar["name"] for bar in bars] == [None, "2", None]
    assert [bar["partition"] for bar in bars] == ["", "p", ""]
    assert told(client, people.mallory)["bars"][1]["name"] is None
    assert told(client, people.staff)["bars"][0]["name"] == "1"
