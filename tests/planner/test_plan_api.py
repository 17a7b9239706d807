"""``POST /api/v1/plan`` and the question it leaves behind."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from planner.asking import questions
from planner.models import Question
from tests.factories import make_cluster, make_experiment
from tests.planner.answers import first_part, full_answer
from tests.planner.plan_world import small_cluster
from tracker.models import (
    Association,
    ClusterAccount,
    Node,
    Partition,
    Poll,
    Qos,
    ResourceRequest,
)

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


SCRIPT = """#!/bin/bash
#SBATCH --job-name=train --mail-type=END
#SBATCH --gres=gpu:v100:1 --time=30 --mem=4G
#SBATCH --partition=cpu,debug
srun train
"""


def test_an_open_question_is_202_and_its_location_tells_the_answer_later(alice, recorded) -> None:
    asked = post(alice, script=SCRIPT, color="red")
    assert asked.status_code == 202
    assert asked.json()["state"] == "queued"
    questions.answer(asked.json()["id"])
    told = alice.get(asked.headers["location"])
    assert told.status_code == 200
    body = told.json()
    assert body["request"]["limit_minutes"] == 30
    assert body["request"]["user"] == "alice"
    assert body["request"]["gpus_option"] == "gres"
    assert body["ignored"] == ["--mail-type=END", "color"]
    assert body["complete"] is True
    assert body["options"][body["default"]]["partition"] in ("cpu", "debug")
    assert {"debug", "gpu"} <= {option["partition"] for option in body["options"]}
    assert body.keys() == {
        *("id", "state", "location", "snapshot_at", "age_s", "stale", "warning", "request"),
        *("replicas", "horizon_s", "method", "approximate", "complete", "ignored", "options"),
        *("best", "default", "changes", "smallest_change", "walltime", "by_hour", "when", "why"),
        *("notes", "text"),
    }
    assert body["options"][0].keys() == {
        *("partition", "qos", "gpu_type", "nodes", "limit_minutes", "begin_at", "allowed"),
        *("why_not", "start", "finish", "later_than_horizon", "p_within_10_min", "how"),
        *("billing_units", "billing_unit_hours", "fair_share", "is_default", "approximate"),
        *("sbatch_args", "reasons"),
    }
    assert body["options"][0]["start"].keys() == {"p10_s", "p50_s", "p90_s"}
    assert len(body["by_hour"]) == 168


def test_an_answer_that_is_there_comes_at_once_and_names_what_was_not_considered(
    alice, cluster
) -> None:
    pk = post(alice, cpus=2).json()["id"]
    now = timezone.now()
    Question.objects.filter(pk=pk).update(state="done", snapshot_at=now, answer=full_answer(now))
    told = post(alice, cpus=2, license="matlab", color=1)
    assert told.status_code == 200
    assert told.json()["ignored"] == ["color", "license"]
    assert "Retry-After" not in told.headers


def test_what_is_known_so_far_is_told_with_where_more_follows(alice, cluster) -> None:
    pk = post(alice, cpus=2).json()["id"]
    now = timezone.now()
    Question.objects.filter(pk=pk).update(
        state="running", snapshot_at=now, answer=first_part(now), claimed_at=now
    )
    told = post(alice, cpus=2)
    assert told.status_code == 200
    assert told.json()["complete"] is False
    assert told.json()["options"]
    assert told.headers["location"] == told.json()["location"] == f"/api/v1/plan/{pk}"
    assert told.headers["retry-after"] == "1"


def test_options_win_over_the_script_and_fields_over_both(alice, recorded) -> None:
    words = ["-p", "gpu", "--time=45", "--gres=gpu:v100:2"]
    post(alice, script=SCRIPT, options=words, time="90", begin="now+2hours")
    (asked,) = Question.objects.values_list("request", flat=True)
    assert asked["partitions"] == ["gpu"]
    assert (asked["gpus"], asked["limit_minutes"], asked["mem_mib"]) == (2, 90, 4096)
    assert asked["begin_at"] is not None


def test_an_experiment_asks_by_its_script_and_its_request(alice, people, recorded) -> None:
    experiment = make_experiment(people.alice, batch_script=SCRIPT)
    ResourceRequest.objects.create(experiment=experiment, cluster=recorded, time_limit_minutes=20)
    post(alice, experiment=experiment.pk, mem="8G")
    (asked,) = Question.objects.values_list("request", flat=True)
    assert (asked["gpu_type"], asked["limit_minutes"], asked["mem_mib"]) == ("v100", 20, 8192)
    assert asked["name"] == "train"
    assert post(alice, experiment=experiment.pk, script=SCRIPT).status_code == 400
    hidden = make_experiment(people.bob, shared=False, name="hidden")
    assert post(alice, experiment=hidden.pk).status_code == 404


def test_times_without_a_zone_are_of_the_offset_that_is_given(alice, cluster) -> None:
    post(alice, deadline="2099-01-01T12:00", utc_offset_minutes=120)
    (asked,) = Question.objects.values_list("request", flat=True)
    assert asked["deadline_at"] == "2099-01-01T10:00:00+00:00"


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
        ({"script": "echo"}, "script", "the first line must be #!"),
        ({"script": "#!/bin/sh\n#SBATCH --gpuz=2"}, "script", "line 2, --gpuz is no option"),
        ({"options": ["--mem=x"]}, "options", "--mem=x: 'X' is not an amount of memory"),
        ({"options": "-p gpu"}, "options", "Expected a list"),
        ({"begin": "later"}, "begin", "give a time such as"),
        ({"gpus": 3, "nodes": 2, "gpus_option": "gres"}, "gpus", "equal shares of 3 GPUs"),
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
