"""Start, cancel, adopt over REST: shapes, statuses and the words of refusals."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_job
from tests.tracker.callers import JSON, by_token
from tracker import tasks
from tracker.models import Experiment, Run, Submission

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch) -> list[object]:
    """Bells, which would go to a broker."""
    heard: list[object] = []
    for name in ("ring_for_submission", "ring_for_cancels", "ring_for_hints"):
        monkeypatch.setattr(tasks, name, lambda *args: heard.append(args))
    return heard


@pytest.fixture
def alice(people, cluster) -> Client:
    return by_token(people.alice)


def post(client: Client, path: str, **body: object):
    return client.post(f"/api/v1/{path}", body, content_type=JSON)


def begin(client: Client, experiment: Experiment, key: str = "k", **body: object):
    return post(client, f"experiments/{experiment.pk}/start", key=key, **body)


def test_a_start_answers_with_its_runs_and_rings(alice, experiment, rung):
    answer = begin(alice, experiment, seeds=[1, 2], configs=[{"lr": 0.1}])
    told = answer.json()
    assert (answer.status_code, told["state"]) == (202, "waiting")
    assert [(run["seed"], run["array_task_id"], run["status"]) for run in told["runs"]] == [
        (1, 0, "SUBMITTING"),
        (2, 1, "SUBMITTING"),
    ]
    assert rung == [(told["submission_id"],)]


def test_the_same_key_again_answers_the_same(alice, experiment, rung):
    first = begin(alice, experiment)
    again = begin(alice, experiment)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(rung) == 1


def test_options_come_under_sbatchs_own_names(alice, experiment):
    begin(alice, experiment, request={"cpus-per-task": "4", "time": "1:30:00", "gres": "gpu:2"})
    asked = Submission.objects.get().request
    assert (asked["cpus_per_task"], asked["time_limit_minutes"], asked["gres"]) == (4, 90, "gpu:2")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"request": {"colour": "red"}}, 400, "request"),
        ({"request": {"nodes": "two"}}, 400, "request"),
        ({"request": {"time": "soon"}}, 400, "request"),
        ({"request": {"partition": ["a"]}}, 400, "request"),
        ({"seeds": ["x"]}, 400, "seeds.0"),
        ({"configs": [1]}, 400, "configs.0"),
        ({"cluster": "mars"}, 400, "cluster"),
        ({"request": {"partition": "a b"}}, 409, "partition"),
        ({"seeds": list(range(1001))}, 400, "seeds"),
    ],
)
def test_what_cannot_be_started_names_its_field(alice, experiment, body, status, field):
    answer = begin(alice, experiment, **body)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field
    assert not Run.objects.exists()


def test_without_a_key_it_is_refused(alice, experiment):
    answer = post(alice, f"experiments/{experiment.pk}/start")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "key")


def test_the_token_of_a_run_starts_and_cancels_nothing(people, cluster, experiment, alice):
    run_id = begin(alice, experiment).json()["runs"][0]["run_id"]
    job = by_token(people.alice, "run", experiment=experiment)
    assert begin(job, experiment, key="other").status_code == 403
    assert post(job, f"runs/{run_id}/cancel").status_code == 403


def test_a_run_is_started_again_and_cancelled(alice, experiment):
    run_id = begin(alice, experiment, seeds=[7]).json()["runs"][0]["run_id"]
    again = post(alice, f"runs/{run_id}/rerun", key="again")
    assert (again.status_code, again.json()["runs"][0]["seed"]) == (202, 7)
    assert post(alice, f"runs/{run_id}/cancel").status_code == 202
    assert Run.objects.get(pk=run_id).status == "CANCELLED"  # it had not been sent
    assert post(alice, f"runs/{run_id}/cancel").status_code == 409
    assert post(alice, "runs/cancel-mine").json() == {"runs": 0}


def test_a_job_is_adopted_by_its_id(alice, cluster, experiment):
    make_job(cluster, 828, user="qc-alice")
    first = post(alice, f"experiments/{experiment.pk}/adopt", slurm_job_id="828")
    again = post(alice, f"experiments/{experiment.pk}/adopt", slurm_job_id="828")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_what_is_unclear_is_decided(alice, experiment, cluster, rung):
    run_id = begin(alice, experiment).json()["runs"][0]["run_id"]
    assert post(alice, f"runs/{run_id}/decide", slurm_job_id=None).status_code == 409
    Submission.objects.update(state="unclear")
    Run.objects.update(status="UNKNOWN")
    make_job(cluster, 828, user="qc-alice")
    answer = post(alice, f"runs/{run_id}/decide", slurm_job_id=828)
    assert (answer.status_code, answer.json()["state"]) == (202, "sent")
