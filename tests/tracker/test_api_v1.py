"""/api/v1: experiments, runs, curves, groups, tokens, clusters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import JSON, by_token
from tracker import recording
from tracker.models import (
    Actor,
    AuditEntry,
    ClusterAccount,
    Experiment,
    Membership,
    Node,
    Partition,
    ResearchGroup,
    Run,
    Token,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(people):
    return by_token(people.alice)


@pytest.fixture
def run(people) -> Run:
    make_cluster()
    experiment = make_experiment(people.alice)
    return recording.create_run(
        experiment, actor=Actor(people.alice), slurm_job_id=828, seed=1, config={"lr": 0.1}
    )[0]


def errors(answer, status: int = 400) -> dict[str, str]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


# --- experiments
def test_an_experiment_is_made_with_its_request_on_each_cluster(alice, people):
    make_cluster("lab")
    make_cluster("north")
    request = {"partition": "gpu", "nodes": 1, "gres": "gpu:a100:2", "time_limit_minutes": 60}
    body = {
        "name": "vit",
        "tags": ["vit", "ablation"],
        "group": ResearchGroup.objects.get().pk,
        "cluster": "lab",
        "requests": [{"cluster": "lab"} | request, {"cluster": "north", "nodes": 2}],
    }
    answer = alice.post("/api/v1/experiments", body, JSON)
    assert answer.status_code == 201
    made = answer.json()
    assert isinstance(made["id"], int)
    assert made["owner"] == "alice"
    assert [r["cluster"] for r in made["requests"]] == ["lab", "north"]
    assert made["requests"][0].items() >= request.items()
    assert alice.get(f"/api/v1/experiments/{made['id']}").json() == made
    assert AuditEntry.objects.get(kind="experiment").user == people.alice


def test_a_change_of_requests_takes_the_place_of_all_there_were(alice, people):
    make_cluster("lab")
    path = f"/api/v1/experiments/{make_experiment(people.alice).pk}"
    alice.patch(path, {"requests": [{"cluster": "lab", "nodes": 4}]}, JSON)
    answer = alice.patch(path, {"requests": [{"cluster": "lab", "ntasks": 2}]}, JSON).json()
    assert len(answer["requests"]) == 1
    assert (answer["requests"][0]["nodes"], answer["requests"][0]["ntasks"]) == (None, 2)
    assert alice.patch(path, {"name": "other"}, JSON).json()["requests"] == answer["requests"]


def test_a_changed_request_names_its_cluster_too(alice, people):
    path = f"/api/v1/experiments/{make_experiment(people.alice).pk}"
    assert list(errors(alice.patch(path, {"requests": [{"nodes": 4}]}, JSON))) == ["requests"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "tags": "vit"}, "tags"),
        ({"name": "x", "tags": [""]}, "tags.0"),
        ({"name": "x", "cluster": "atlantis"}, "cluster"),
        ({"name": "x", "group": 10**30}, "group"),
        ({"name": "x", "requests": [{"cluster": "lab", "nodes": 0}]}, "requests.0.nodes"),
        ({"name": "x", "requests": [{"cluster": "lab", "nodes": 2**31}]}, "requests.0.nodes"),
        ({"name": "x", "requests": [{"cluster": "lab"}, {"cluster": "lab"}]}, "requests"),
        ({"name": "x\x00"}, "name"),
    ],
)
def test_a_bad_experiment_names_the_field(alice, body, field):
    make_cluster("lab")
    assert list(errors(alice.post("/api/v1/experiments", body, JSON))) == [field]


def test_the_value_that_was_sent_stands_beside_its_field(alice):
    body = {"name": "x", "requests": [{"cluster": "atlantis"}]}
    problem = alice.post("/api/v1/experiments", body, JSON).json()
    assert problem["errors"][0]["value"] == "atlantis"


def test_nobody_puts_an_experiment_into_a_group_where_they_only_read(people):
    body = {"name": "x", "group": ResearchGroup.objects.get().pk}
    for user in (people.rita, people.mallory):
        assert list(errors(by_token(user).post("/api/v1/experiments", body, JSON))) == ["group"]
    assert by_token(people.bob).post("/api/v1/experiments", body, JSON).status_code == 201


def test_a_member_changes_an_experiment_but_does_not_take_it_out_of_the_group(people):
    path = f"/api/v1/experiments/{make_experiment(people.alice).pk}"
    bob = by_token(people.bob)
    assert bob.patch(path, {"description": "tuned"}, JSON).status_code == 200
    assert bob.patch(path, {"group": None}, JSON).status_code == 403


def test_archived_experiments_are_found_by_their_filter_and_come_back(alice, people):
    pk = make_experiment(people.alice).pk
    assert alice.post(f"/api/v1/experiments/{pk}/archive").json()["archived_at"]
    listed = alice.get("/api/v1/experiments?archived=true").json()["results"]
    assert [row["id"] for row in listed] == [pk]
    assert alice.get("/api/v1/experiments?archived=false").json()["results"] == []
    assert alice.post(f"/api/v1/experiments/{pk}/restore").json()["archived_at"] is None
    assert AuditEntry.objects.filter(verb__in=["archive", "restore"]).count() == 2


@pytest.mark.parametrize("tag", ["vit", "größe", 'a"b', "a\\b"])
def test_experiments_are_found_by_a_whole_tag(alice, people, tag):
    mine = make_experiment(people.alice, tags=["x", tag])
    make_experiment(people.alice, tags=[tag + "-large"])
    listed = alice.get("/api/v1/experiments", {"tag": tag}).json()["results"]
    assert [row["id"] for row in listed] == [mine.pk]


# --- runs
def test_a_run_has_exactly_the_documented_shape(alice, run):
    shown = alice.get(f"/api/v1/runs/{run.pk}").json()
    assert {
        "run_id": run.pk,
        "experiment_id": run.experiment_id,
        "status": "CREATED",
        "reason": "",
        "attempt": 0,
        "cluster": "lab",
        "slurm_job_id": 828,
        "seed": 1,
        "config": {"lr": 0.1},
        "submitted_at": None,
        "started_at": None,
        "ended_at": None,
        "exit_code": None,
        "estimate": None,
    }.items() <= shown.items()


def test_a_waiting_run_shows_its_estimate_and_a_running_one_none(alice, run):
    job = make_job(run.cluster, 828)
    recording.bind_runs(job)
    said = recording.NewEstimate(
        job_id=job.pk,
        snapshot_at=NOW,
        p50_at=NOW,
        p_within_10_min=0.5,
        finish_p50_at=NOW,
        later_than_horizon=("p90",),
        replicas=16,
        method="ensemble",
        moved_s=-90.0,
        moved_since=NOW,
        moved_why="It came past 2 jobs in the queue.",
    )
    recording.publish_estimates(NOW, [said])
    estimate = alice.get(f"/api/v1/runs/{run.pk}").json()["estimate"]
    at = "2026-11-23T12:30:00Z"
    assert estimate == {
        **{"p10": None, "p50": at, "p90": None, "finish_p50": at, "finish_p90": None},
        **{"p_within_10_min": 0.5, "later_than_horizon": ["p90"], "horizon_s": 86_400},
        **{"issued_at": at, "snapshot_at": at, "replicas": 16, "method": "ensemble", "how": ""},
        **{"moved_s": -90.0, "moved_since": at, "moved_why": said.moved_why},
        **{"reason_class": "", "why": ""},
    }
    job.state = "RUNNING"
    job.save()
    recording.follow_job(job)
    assert alice.get(f"/api/v1/runs/{run.pk}").json()["estimate"] is None


def test_a_run_says_how_it_ended(alice, run):
    path = f"/api/v1/runs/{run.pk}"
    body = {"status": "FAILED", "exit_code": 3, "message": "CUDA error"}
    shown = alice.patch(path, body, JSON).json()
    assert shown.items() >= body.items()
    assert shown["ended_at"]
    assert errors(alice.patch(path, {"status": "RUNNING"}, JSON), 409) == {
        "status": "RUNNING cannot follow FAILED: a run does not go backwards"
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "DONE"}, "status"),
        ({"status": "PENDING"}, "status"),
        ({"exit_code": 1}, "exit_code"),
        ({"status": "RUNNING", "exit_code": 1}, "exit_code"),
        ({"status": "FAILED", "exit_code": 2**31}, "exit_code"),
        ({"message": "x" * 10_001}, "message"),
        ({"message": "\x00"}, "message"),
    ],
)
def test_a_bad_word_names_the_field(alice, run, body, field):
    assert list(errors(alice.patch(f"/api/v1/runs/{run.pk}", body, JSON))) == [field]


def test_runs_are_filtered_and_paged_newest_first(alice, run, people):
    path = f"/api/v1/experiments/{run.experiment_id}/runs"
    for seed in (2, 3):
        assert alice.post(path, {"slurm_job_id": 829, "seed": seed}, JSON).status_code == 201
    first = alice.get(f"{path}?page_size=2").json()
    assert [row["seed"] for row in first["results"]] == [3, 2]
    second = alice.get(first["next"]).json()
    assert [row["seed"] for row in second["results"]] == [1]
    for query in (
        "seed=2",
        "slurm_job_id=828&seed=1",
        "cluster=lab&seed=1",
        "status=CREATED&seed=1",
    ):
        assert len(alice.get(f"/api/v1/runs?{query}").json()["results"]) == 1
    assert alice.get("/api/v1/runs?open=false").json()["results"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("seed=1e5", "seed"),
        (f"seed={2**63}", "seed"),
        ("experiment=%00", "experiment"),
        ("cluster=%00", "cluster"),
        ("status=DONE", "status"),
        ("created_after=yesterday", "created_after"),
        ("created_after=0001-01-01T00:00:00%2B12:00", "created_after"),
    ],
)
def test_a_bad_filter_names_the_field_and_the_value(alice, query, field):
    answer = alice.get(f"/api/v1/runs?{query}")
    assert list(errors(answer)) == [field]


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_foreign_cursor_is_a_404(alice, run, cursor):
    assert alice.get(f"/api/v1/experiments?cursor={cursor}").status_code == 404


def test_the_curve_comes_in_columns_with_not_a_number_as_a_string(alice, run):
    points = [
        {"name": "loss", "step": step, "value": value, "time": 1_700_000_000 + step}
        for step, value in enumerate([1, "NaN", "Infinity", 0.5])
    ]
    assert alice.post(f"/api/v1/runs/{run.pk}/metrics", points, JSON).status_code == 201
    curve = alice.get(f"/api/v1/runs/{run.pk}/metrics?name=loss").json()
    assert curve == {
        "name": "loss",
        "step": [0, 1, 2, 3],
        "time": [1_700_000_000.0 + step for step in range(4)],
        "value": [1.0, "NaN", "Infinity", 0.5],
    }
    summary = alice.get(f"/api/v1/runs/{run.pk}").json()["metrics"]
    assert summary[0].items() >= {"name": "loss", "last_value": 0.5, "count": 4}.items()


def test_the_curve_shows_the_newest_attempt_of_each_step_or_the_one_asked_for(alice, run):
    for attempt, value in ((0, 1.0), (1, 2.0)):
        points = [
            {"name": "loss", "step": step, "value": value, "attempt": attempt}
            for step in range(3 - attempt)
        ]
        alice.post(f"/runs/{run.pk}/metrics", points, JSON)
    path = f"/api/v1/runs/{run.pk}/metrics?name=loss"
    assert alice.get(path).json()["value"] == [2.0, 2.0, 1.0]
    assert alice.get(f"{path}&attempt=0").json()["value"] == [1.0, 1.0, 1.0]
    assert alice.get(f"{path}&from_step=1&to_step=1").json()["step"] == [1]


def test_a_long_curve_is_thinned_for_a_plot(alice, run):
    points = [recording.NewPoint("loss", step, float(step % 7)) for step in range(3_000)]
    recording.append_points(run, points, now=NOW)
    curve = alice.get(f"/api/v1/runs/{run.pk}/metrics?name=loss&max_points=100").json()
    assert len(curve["step"]) == len(curve["value"]) == len(curve["time"]) <= 100
    assert (curve["step"][0], curve["step"][-1]) == (0, 2_999)


def test_an_unknown_metric_is_a_404_and_a_missing_name_a_400(alice, run):
    assert alice.get(f"/api/v1/runs/{run.pk}/metrics?name=nope").status_code == 404
    assert list(errors(alice.get(f"/api/v1/runs/{run.pk}/metrics"))) == ["name"]


def test_artifacts_are_told_by_path_and_listed_once(alice, run):
    path = f"/api/v1/runs/{run.pk}/artifacts"
    body = {"kind": "checkpoint", "path": "/data/1.pt"}
    assert [alice.post(path, body, JSON).status_code for _ in range(2)] == [201, 200]
    assert [row["path"] for row in alice.get(path).json()["results"]] == ["/data/1.pt"]
    assert list(errors(alice.post(path, {"kind": "virus", "path": "x"}, JSON))) == ["kind"]
    # 1,024 characters are more bytes than an index of PostgreSQL holds
    assert list(errors(alice.post(path, {"path": "\N{MICROSCOPE}" * 1024}, JSON))) == ["path"]


# --- tokens
def test_the_secret_is_shown_in_the_answer_to_the_post_and_never_again(alice):
    issued = alice.post("/api/v1/tokens", {"scope": "read", "label": "laptop", "days": 7}, JSON)
    secret = issued.json()["token"]
    assert Token.find(secret).scope == "read"
    assert secret not in alice.get("/api/v1/tokens").content.decode()
    pk = issued.json()["id"]
    assert alice.delete(f"/api/v1/tokens/{pk}").status_code == 204
    assert alice.get(f"/api/v1/tokens/{pk}").json()["revoked_at"]


def test_a_token_issues_none_that_lives_longer_than_itself(people):
    short = by_token(people.alice, "user", lifetime=timedelta(days=1))
    for days in (None, 30):
        answer = short.post("/api/v1/tokens", {"scope": "user", "days": days}, JSON)
        token = Token.find(answer.json()["token"])
        assert token.expires_at <= timezone.now() + timedelta(days=1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "signin"}, "scope"),
        ({"scope": "webhook"}, "scope"),
        ({"scope": "run"}, "experiment"),
        ({"scope": "run", "experiment": 999}, "experiment"),
        ({"scope": "user", "experiment": 1}, "experiment"),
        ({"scope": "user", "days": 0}, "days"),
    ],
)
def test_a_token_that_may_not_be_issued_names_the_field(alice, body, field):
    assert list(errors(alice.post("/api/v1/tokens", body, JSON))) == [field]


# --- groups
def test_the_last_owner_can_neither_leave_nor_step_down(alice):
    group = ResearchGroup.objects.get().pk
    path = f"/api/v1/groups/{group}/members"
    assert list(errors(alice.delete(f"{path}/alice"), 409)) == ["role"]
    assert list(errors(alice.post(path, {"user": "alice", "role": "reader"}, JSON), 409)) == [
        "role"
    ]
    assert alice.post(path, {"user": "bob", "role": "owner"}, JSON).status_code == 200
    assert alice.delete(f"{path}/alice").status_code == 204
    assert not Membership.objects.filter(user__username="alice").exists()


def test_a_group_with_experiments_is_not_deleted(alice, people):
    group = ResearchGroup.objects.get().pk
    make_experiment(people.alice)
    assert "1 experiments" in errors(alice.delete(f"/api/v1/groups/{group}"), 409)["group"]
    Experiment.objects.all().delete()
    assert alice.delete(f"/api/v1/groups/{group}").status_code == 204


def test_two_groups_do_not_share_a_name(alice):
    assert list(errors(alice.post("/api/v1/groups", {"name": "vision"}, JSON))) == ["name"]


# --- clusters and jobs
def test_private_data_shows_each_user_their_own_jobs_and_staff_all(people):
    cluster = make_cluster(private_data=["jobs"])
    mine, other = make_job(cluster, 1, user="ali"), make_job(cluster, 2, user="bo")
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="ali")

    def seen(user) -> list[int]:
        return [row["job_id"] for row in by_token(user).get("/api/v1/jobs").json()["results"]]

    assert seen(people.alice) == [1]
    assert seen(people.mallory) == []
    assert seen(people.staff) == [2, 1]
    assert by_token(people.alice).get(f"/api/v1/jobs/{other.pk}").status_code == 404
    assert by_token(people.alice).get(f"/api/v1/jobs/{mine.pk}/estimates").status_code == 200


def test_jobs_of_open_and_private_clusters_are_listed_together(people):
    make_job(make_cluster("open"), 1, user="bo")
    make_job(make_cluster("shy", private_data=["jobs"]), 2, user="bo")
    rows = by_token(people.alice).get("/api/v1/jobs").json()["results"]
    assert [row["cluster"] for row in rows] == ["open"]


@pytest.mark.parametrize(("kind", "model"), [("nodes", Node), ("partitions", Partition)])
def test_private_nodes_and_partitions_are_for_staff(people, kind, model):
    sizes = {"cpus": 8, "cpus_alloc": 0, "mem_mib": 1, "mem_alloc_mib": 0} if model is Node else {}
    for cluster in (make_cluster("open"), make_cluster("shy", private_data=[kind])):
        model.objects.create(cluster=cluster, name=f"of-{cluster}", state="UP", **sizes)

    def seen(user) -> list[str]:
        rows = by_token(user).get(f"/api/v1/{kind}").json()["results"]
        return [row["name"] for row in rows]

    assert seen(people.alice) == ["of-open"]
    assert seen(people.staff) == ["of-open", "of-shy"]


def test_me_tells_who_one_is_and_with_what(people):
    cluster = make_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="ali")
    me = by_token(people.alice, "read").get("/api/v1/me").json()
    assert me["groups"] == [
        {"group": ResearchGroup.objects.get().pk, "name": "vision", "role": "owner"}
    ]
    assert me["accounts"] == [{"cluster": "lab", "unix_name": "ali"}]
    assert (me["username"], me["is_staff"], me["scope"]) == ("alice", False, "read")


def test_a_body_that_is_no_json_or_another_type_is_a_problem(alice):
    broken = alice.post("/api/v1/experiments", "{", JSON)
    assert (broken.status_code, broken["Content-Type"]) == (400, "application/problem+json")
    form = alice.post("/api/v1/experiments", {"name": "x"})
    assert (form.status_code, form["Content-Type"]) == (415, "application/problem+json")
    listed = alice.post("/api/v1/experiments", [1], JSON)
    assert listed.status_code == 400
