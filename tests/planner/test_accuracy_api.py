"""``GET /api/v1/accuracy``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_cluster
from tests.planner.told import told
from tracker.models import Cluster, Partition

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = make_cluster()
    Partition.objects.create(cluster=cluster, name="gpu", state="UP")
    return cluster


@pytest.fixture
def alice(people) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


def test_it_tells_the_numbers_of_the_page(alice, cluster) -> None:
    now = timezone.now()
    for hours in range(30):
        at = now - timedelta(hours=hours + 1)
        told(cluster, at, 600, 700, p10_s=300, p90_s=900, slurm_s=1700)
    body = alice.get("/api/v1/accuracy?days=7&partition=gpu").json()
    told_of = {name: body[name] for name in ("cluster", "days", "partition", "milestone")}
    assert told_of == {"cluster": "lab", "days": 7, "partition": "gpu", "milestone": 0}
    assert body["sentence"].startswith("100 % of gpu jobs started before the time we gave")
    assert body["figures"]["n_scored"] == 30
    assert body["figures"]["score"]["median_ae_s"] == pytest.approx(100, abs=0.01)
    assert body["figures"]["score"]["coverage_p90"] == 1.0
    assert body["figures"]["slurm"]["skill"] == pytest.approx(0.9, abs=0.001)
    assert body["figures"]["history"]["skill"] is None
    assert [one["name"] for one in body["partitions"]] == ["gpu"]
    assert [one["name"] for one in body["milestones"]] == ["0", "10", "60", "360"]
    assert [point["level"] for point in body["reliability"]] == [0.1, 0.5, 0.9]
    assert body["points"].keys() == {"n", "predicted_s", "actual_s"}  # of no job that is named
    assert len(body["points"]["predicted_s"]) == len(body["points"]["actual_s"]) == 30


def test_an_empty_record_is_no_error(alice, cluster) -> None:
    body = alice.get("/api/v1/accuracy").json()
    assert body["figures"]["n_scored"] == 0
    assert body["figures"]["score"]["coverage_p90"] is None
    assert body["newest_outcome_at"] is None and body["sentence"] == ""


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("days", "31", "is not one of 7, 30, 90"),
        ("days", "week", "is not one of 7, 30, 90"),
        ("milestone", "5", "is not one of 0, 10, 60, 360"),
        ("partition", "cpu", "is not one of gpu"),
        ("cluster", "mars", "give one of lab"),
    ],
)
def test_a_bad_value_is_named_with_its_cure(alice, cluster, field, value, said) -> None:
    response = alice.get(f"/api/v1/accuracy?{field}={value}")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert (error["field"], error["value"]) == (field, value)
    assert said in error["message"]


def test_with_several_clusters_one_must_be_named(alice, cluster) -> None:
    make_cluster("other")
    assert alice.get("/api/v1/accuracy").status_code == 400
    assert alice.get("/api/v1/accuracy?cluster=other").json()["cluster"] == "other"


def test_a_hidden_partition_is_for_staff(alice, people, cluster) -> None:
    Partition.objects.create(cluster=cluster, name="secret", state="UP", hidden=True)
    told(cluster, timezone.now() - timedelta(hours=1), partition="secret")
    assert alice.get("/api/v1/accuracy").json()["partitions"] == []
    assert alice.get("/api/v1/accuracy?partition=secret").status_code == 400
    alice.force_login(people.staff)
    assert [one["name"] for one in alice.get("/api/v1/accuracy").json()["partitions"]] == ["secret"]
