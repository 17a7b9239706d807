"""``POST /api/v1/plan`` and the question it leaves behind."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from planner import questions
from planner.models import Question
from tests.factories import make_cluster
from tests.planner.plan_world import small_cluster
from tracker.models import Association, ClusterAccount, Node, Partition, Poll, Qos

pytestmark = pytest.mark.django_db
NOT_WAITING = {"prefer": "wait=0"}


@pytest.fixture
def cluster(people):
    """By hand what a poll would have told."""
    cluster = make_cluster("lab")
    for name in ("cpu", "gpu"):
        Partition.objects.create(cluster=cluster, name=name, state="UP")
    size = {"cpus": 8, "cpus_alloc": 0, "mem_mib": 1024, "mem_alloc_mib": 0, "state": "IDLE"}
    Node.objects.create(cluster=cluster, name="gpu1", gpus={"a100": 4, "v100": 2}, **size)
    Qos.objects.create(cluster=cluster, name="normal")
    Association.objects.create(cluster=cluster, account="nlp", user="alice", qos=["normal"])
    Poll.objects.create(
        cluster=cluster, command="squeue", started_at=timezone.now(), seconds=0.1, ok=True, raw=b""
    )
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    return cluster


@pytest.fixture
def recorded(people):
    cluster = small_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    return cluster


@pytest.fixture
def alice(people) -> Client:
    client = Client()
    client.force_login(people.alice)
    return client


def post(client: Client, **fields: object):
    return client.post("/api/v1/plan", fields, content_type="application/json", headers=NOT_WAITING)


def errors(response) -> dict[str, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in response.json()["errors"]}


def test_an_open_question_is_202_and_its_location_tells_the_answer_later(alice, recorded) -> None:
    asked = post(alice, gpus=1, gpu_type="v100", time="30", mem="4G", partition="cpu,debug")
    assert asked.status_code == 202
    assert asked.json()["state"] == "queued"
    questions.answer(asked.json()["id"])
    told = alice.get(asked.headers["location"])
    assert told.status_code == 200
    body = told.json()
    assert body["request"]["limit_minutes"] == 30
    assert body["request"]["user"] == "alice"
    assert [option["partition"] for option in body["options"]] == ["debug", "cpu"]
    assert body.keys() == {
        *("snapshot_at", "age_s", "replicas", "horizon_s", "request", "ignored", "options"),
        *("method", "best", "smallest_change", "walltime", "by_hour"),
    }
    assert body["options"][0].keys() == {
        *("partition", "qos", "gpu_type", "nodes", "limit_minutes", "begin_at", "allowed"),
        *("why_not", "start", "finish", "later_than_horizon", "p_within_10_min", "billing_units"),
        *("how", "sbatch_args", "reasons"),
    }
    assert body["options"][0]["start"].keys() == {"p10_s", "p50_s", "p90_s"}


def test_an_answer_that_is_there_comes_at_once_and_names_what_was_not_considered(
    alice, cluster
) -> None:
    pk = post(alice, cpus=2).json()["id"]
    Question.objects.filter(pk=pk).update(state="done", snapshot_at=timezone.now(), answer={})
    told = post(alice, cpus=2, deadline="tomorrow", color=1)
    assert told.status_code == 200
    assert told.json()["ignored"] == ["color", "deadline"]


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"nodes": 0}, "nodes", "greater than or equal to 1"),
        ({"nodes": 10**30}, "nodes", "less than or equal to"),
        ({"cpus": "many"}, "cpus", "integer"),
        ({"mem": "lots"}, "mem", "give one such as 64G"),
        ({"time": "UNLIMITED"}, "time", "between 1 minute and 366 days"),
        ({"constraint": "[a|b]"}, "constraint", "join plain features by &"),
        ({"partition": "nowhere"}, "partition", "'nowhere' is not one of cpu, gpu"),
        ({"gpu_type": "h100"}, "gpu_type", "is not one of a100, v100"),
        ({"account": "physics"}, "account", "is not one of nlp"),
        ({"qos": "golden"}, "qos", "is not one of"),
        ({"cluster": "mars"}, "cluster", "give one of lab"),
        ({"user": "bob"}, "user", "only staff ask for others"),
        ({"nodes": 2, "ntasks": 1}, "ntasks", "1 tasks cannot fill 2 nodes"),
        ({"script": "#!/bin/sh"}, "script", "give their options as fields"),
        ({"mem": ["64G"]}, "mem", "string"),
    ],
)
def test_a_bad_field_is_named_with_its_cure(alice, cluster, fields, field, said) -> None:
    response = post(alice, **fields)
    assert response.status_code == 400
    assert said in errors(response)[field]
    assert not Question.objects.exists()


def test_a_body_that_is_no_object_is_refused(alice, cluster) -> None:
    response = alice.post("/api/v1/plan", [1], content_type="application/json")
    assert response.status_code == 400


def test_staff_may_ask_for_another_user(people, cluster) -> None:
    client = Client()
    client.force_login(people.staff)
    assert post(client, user="bob").status_code == 202
    assert Question.objects.get().request["user"] == "bob"


def test_a_cluster_that_was_never_polled_has_no_answer_yet(alice, people) -> None:
    make_cluster()
    response = post(alice)
    assert response.status_code == 409
    assert "not been polled yet" in response.json()["detail"]


def test_with_several_clusters_one_must_be_named(alice, cluster) -> None:
    make_cluster("other")
    assert errors(post(alice)) == {"cluster": "give one of lab, other"}


def test_a_question_that_failed_says_so_without_its_error(alice, cluster) -> None:
    pk = post(alice).json()["id"]
    Question.objects.filter(pk=pk).update(state="failed", error="KeyError: bob's job")
    response = alice.get(f"/api/v1/plan/{pk}")
    assert response.status_code == 503
    assert "bob" not in response.content.decode()


def test_anothers_question_is_not_there(alice, people, cluster) -> None:
    pk = post(alice).json()["id"]
    client = Client()
    client.force_login(people.bob)
    assert client.get(f"/api/v1/plan/{pk}").status_code == 404
