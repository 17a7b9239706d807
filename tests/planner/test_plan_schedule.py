"""The predicted schedule's data: which future, whose jobs, and what PrivateData leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pytest

from planner.futures import Future, pack
from planner.models import Forecast, ForecastBatch
from planner.sim.occupancy import Allocation
from tests.factories import make_cluster
from tests.planner.plan_world import store_polls
from tracker.models import Cluster, ClusterAccount, Poll

pytestmark = pytest.mark.django_db

HOUR = 3600.0
Row = tuple[str | None, int, float, int]  # key, place of its user, start in hours, node


def future(replica: int, rows: Sequence[Row]) -> Future:
    """Jobs of two hours in partition cpu, of wanda (1) and alice (2)."""
    count = len(rows)
    start_s = np.array([start * HOUR for _, _, start, _ in rows])
    ones = np.ones(count, dtype=np.int64)
    names_of = np.zeros((count, 4), dtype=np.int64)
    names_of[:, 1] = [user for _, user, _, _ in rows]
    nodes = np.array([node for *_, node in rows])
    held = Allocation(nodes, ones, ones, np.zeros((count, 1), dtype=np.int64))
    return Future(
        replica=replica,
        horizon_s=24 * HOUR,
        known_until_s=24 * HOUR,
        keys=tuple(key for key, *_ in rows),
        names=("cpu", "wanda", "alice"),
        names_of=names_of,
        submit_s=np.zeros(count),
        start_s=start_s,
        end_s=start_s + 2 * HOUR,
        limit_s=np.full(count, 2 * HOUR),
        priority=np.ones(count),
        row_of=np.arange(count),
        held=held,
    )


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
    futures = [
        future(number, [("1", 1, 0, 0), ("2", 2, start, 1), (None, 1, 1, 20 + number)])
        for number, start in enumerate((1, 3, 9))
    ]
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
    assert [bar["start_s"] for bar in schedule["bars"]] == [0, HOUR, 3 * HOUR]
    assert schedule["nodes"][0] == "cpu01"


def test_ones_own_jobs_are_marked_and_jobs_to_come_have_no_name(client, people, cluster) -> None:
    running, to_come, own = told(client, people.alice)["bars"]
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
    assert [bar["name"] for bar in bars] == [None, None, "2"]
    assert [bar["partition"] for bar in bars] == ["", "", "cpu"]
    assert told(client, people.mallory)["bars"][2]["name"] is None
    assert told(client, people.staff)["bars"][0]["name"] == "1"
