"""Runs over the API: found, sorted, with columns, by pages; described, tagged; many at once."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from bench.many_runs import fill
from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import by_token
from tracker.models import Actor, Run, RunTag, StartEstimate
from tracker.recording import (
    NewPoint,
    append_points,
    archive_runs,
    create_run,
    delete_runs,
    tag_runs,
)
from tracker.searching.keys import Key, Kind

pytestmark = pytest.mark.django_db
JSON = {"content_type": "application/json"}


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


@pytest.fixture
def actor(people):
    return Actor(people.alice)


@pytest.fixture
def runs(people, actor):
    experiment, made = make_experiment(people.alice), []
    for place, loss in enumerate([0.5, 0.1, float("nan"), float("-inf")]):
        run, _ = create_run(
            experiment, actor=actor, seed=place, key=f"k{place}", config={"optim": {"lr": place}}
        )
        append_points(run, [NewPoint("loss", 1, loss), NewPoint("acc", 1, 1.0)], now=NOW)
        made.append(run)
    tag_runs(made[:1], {"dataset": "c4"}, actor=actor)
    return made


def seeds(answer):
    return [run["seed"] for run in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 2, 1, 0]),
        ("where=metrics.loss < 0.3", [1]),
        ("where=tags.dataset = c4", [0]),
        ("sort=metrics.loss", [1, 0, 3, 2]),
        ("sort=-config.optim.lr&where=seed > 1", [3, 2]),
        ("q=c4", [0]),
        ("key=k2", [2]),
        ("which=archived", []),
    ],
)
def test_runs_are_found_and_sorted(alice, runs, query, found):
    for path in ("runs", f"experiments/{runs[0].experiment_id}/runs"):
        assert seeds(alice.get(f"/api/v1/{path}?{query}")) == found


def test_columns_are_answered_as_values_and_what_is_missing_is_absent(alice, runs):
    query = "columns=metrics.*,min.loss,config.optim.lr,tags.dataset,tag,user,duration_s"
    values = [run["values"] for run in alice.get(f"/api/v1/runs?{query}").json()["results"]]
    assert values[3] == {
        "metrics.acc": 1.0, "metrics.loss": 0.5, "min.loss": 0.5, "config.optim.lr": 0,
        "tags.dataset": "c4", "tag": "dataset", "user": "alice",
    }  # fmt: skip
    losses = [one["metrics.loss"] for one in values[:2]]
    assert losses == ["-Infinity", "NaN"]
    assert "values" not in alice.get("/api/v1/runs").json()["results"][0]


def test_a_run_in_a_list_is_as_it_is_alone(alice, runs, people):
    cluster = make_cluster()
    job = make_job(cluster)
    Run.objects.filter(pk=runs[0].pk).update(
        job=job, status="PENDING", cluster=cluster, parent=runs[1], submitted_at=NOW
    )
    StartEstimate.objects.create(
        job=job, issued_at=NOW, snapshot_at=NOW, p50_at=NOW, horizon_s=1, replicas=4, is_newest=True
    )
    listed = {run["run_id"]: run for run in alice.get("/api/v1/runs").json()["results"]}
    for run in runs:
        alone = alice.get(f"/api/v1/runs/{run.pk}").json()
        assert listed[run.pk] == {name: alone[name] for name in listed[run.pk]}
        assert alone.keys() - listed[run.pk].keys() == {"surroundings", "metrics"}
    assert listed[runs[0].pk]["estimate"]["p50"] == "2026-11-23T12:30:00Z"


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 1, 9, 8, 7, 479_600, tzinfo=UTC),
        datetime(999, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Asia/Kolkata")),
        datetime(2026, 11, 1, 0, 0, 0, 1, tzinfo=UTC),
    ],
)
def test_a_moment_in_a_list_is_written_as_it_is_alone(alice, runs, at):
    Run.objects.filter(pk=runs[0].pk).update(ended_at=at)
    alone = alice.get(f"/api/v1/runs/{runs[0].pk}").json()["ended_at"]
    assert alice.get("/api/v1/runs").json()["results"][3]["ended_at"] == alone
    values = alice.get("/api/v1/runs?columns=ended_at").json()["results"][3]["values"]
    assert values == {"ended_at": alone}


def test_any_configuration_is_listed_as_it_is(alice, runs):
    config = {
        "è\u2028\"": ["\\", {"x": None}], "huge": 10**400, "tiny": 5e-324, "large": 1e22,
        "list": [2**64, -(2**80), 0.1], "flag": True, "none": None, "1": {}, "text": "</script>",
    }  # fmt: skip
    Run.objects.filter(pk=runs[0].pk).update(config=config)
    kept = alice.get(f"/api/v1/runs/{runs[0].pk}").json()["config"]
    assert kept == config
    listed = alice.get("/api/v1/runs?columns=config.*").json()["results"][3]
    assert listed["config"] == kept
    assert listed["values"] == {str(Key(Kind.CONFIG, name)): kept[name] for name in kept}


def test_a_filter_that_makes_no_sense_is_400_with_its_field(alice, runs):
    answer = alice.get("/api/v1/runs?where=loss < 1&sort=bad")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["where", "sort"]
    assert "metrics.loss" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("sort", ["", "&sort=-metrics.m01", "&sort=config.data.batch_size"])
def test_every_run_is_on_one_page_exactly(alice, people, sort):
    fill(25, 2)
    address, seen = f"/api/v1/runs?page_size=10{sort}", []
    while address:
        page = alice.get(address).json()
        seen += [run["run_id"] for run in page["results"]]
        back, address = page["previous"], page["next"]
    assert len(seen) == 25 == len(set(seen))
    assert len(alice.get(back).json()["results"]) == 10


@pytest.mark.parametrize("cursor", ["x", "bz14", "bz0tMQ==", "bz05OTk5OTk5OTk5OTk5"])
def test_a_foreign_cursor_is_told_or_ends(alice, runs, cursor):
    answer = alice.get(f"/api/v1/runs?sort=seed&cursor={cursor}")
    assert answer.status_code == 404 or answer.json()["results"] == [] or seeds(answer)


@pytest.mark.parametrize("query", ["", "&sort=metrics.loss", "&where=metrics.acc = 1", "&q=k"])
def test_nobody_is_listed_a_run_of_others(runs, people, query):
    other, _ = create_run(
        make_experiment(people.mallory, shared=False, name="k"), actor=Actor(people.mallory)
    )
    append_points(other, [NewPoint("acc", 1, 1.0)], now=NOW)
    Run.objects.update(name="k")
    ours = {run.pk for run in runs}
    callers = {
        by_token(people.rita, "read"): ours,
        by_token(people.staff, "user"): ours | {other.pk},
        by_token(people.mallory, "user"): {other.pk},
        by_token(people.bob, "run", experiment=runs[0].experiment): ours,
        by_token(people.bob, "run", experiment=runs[0].experiment, run=runs[1]): {runs[1].pk},
        by_token(people.mallory, "run", experiment=runs[0].experiment): set(),
    }
    for client, seen in callers.items():
        rows = client.get(f"/api/v1/runs?columns=metrics.*{query}").json()["results"]
        assert {row["run_id"] for row in rows} == seen
        assert all(row["values"]["metrics.acc"] == 1 for row in rows)


def test_a_list_asks_a_bounded_number_of_queries(alice, people, django_assert_max_num_queries):
    fill(40, 5)
    with django_assert_max_num_queries(12):
        query = "page_size=40&columns=metrics.*,min.*,tags.*,user&sort=metrics.m01"
        assert len(alice.get(f"/api/v1/runs?{query}").json()["results"]) == 40


def test_archived_runs_are_listed_and_deleted_ones_only_where_asked_for(alice, runs, actor):
    archive_runs(runs[:1], actor=actor, at=NOW)
    delete_runs(runs[1:2], actor=actor, at=NOW)
    assert seeds(alice.get("/api/v1/runs")) == [3, 2, 0]
    assert seeds(alice.get("/api/v1/runs?which=active")) == [3, 2]
    [deleted] = alice.get("/api/v1/runs?which=deleted").json()["results"]
    assert deleted["deleted_at"] == "2026-11-23T12:30:00Z"


# --- said of one run


def patch(client, run, **body):
    return client.patch(f"/api/v1/runs/{run.pk}", json.dumps(body), **JSON)


def test_a_run_is_described_by_itself(runs, people):
    client = by_token(people.alice, "run", experiment=runs[1].experiment, run=runs[1])
    told = {
        "name": "first", "notes": "a\nb", "parent": runs[0].pk, "status": "RUNNING",
        "tags": {"baseline": "", "dataset": "c4"}, "surroundings": {"git_commit": "abc"},
    }  # fmt: skip
    answer = patch(client, runs[1], **told)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in told} == told
    answer = patch(client, runs[1], tags={"baseline": None, "good": "1"}, parent=None)
    assert answer.json()["tags"] == {"dataset": "c4", "good": "1"}
    assert answer.json()["parent"] is None
    assert answer.json()["name"] == "first"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x" * 201}, "name"),
        ({"tags": ["a"]}, "tags"),
        ({"tags": {"": "a"}}, "tags"),
        ({"tags": {"x" * 251: "a"}}, "tags"),
        ({"tags": {str(n): "" for n in range(101)}}, "tags"),
        ({"tags": {"a": {"b": 1}}}, "tags.a"),
        ({"parent": "0" * 32}, "parent"),
        ({"surroundings": [1]}, "surroundings"),
        ({"surroundings": {"x": "y" * 70_000}}, "surroundings"),
    ],
)
def test_what_cannot_be_said_is_400_and_changes_nothing(alice, runs, body, field):
    answer = patch(alice, runs[1], **body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field
    assert not RunTag.objects.filter(run=runs[1]).exists()


def test_a_run_nested_in_itself_is_409(alice, runs):
    assert patch(alice, runs[0], parent=runs[0].pk).status_code == 409


# --- many at once


def bulk(client: Client, **body):
    return client.post("/api/v1/runs/bulk", json.dumps(body), **JSON)


def test_many_runs_are_changed_at_once(alice, runs):
    ids = [run.pk for run in runs]
    assert bulk(alice, runs=ids, action="tag", tag="good", value="yes").json() == {"runs": 4}
    assert RunTag.objects.filter(name="good", value="yes").count() == 4
    assert bulk(alice, runs=ids, action="untag", tag="good").json() == {"runs": 4}
    assert bulk(alice, runs=ids[:2], action="delete").json() == {"runs": 2}
    assert bulk(alice, runs=ids, action="restore").json() == {"runs": 2}
    assert bulk(alice, runs=ids, action="archive").json() == {"runs": 4}
    assert bulk(alice, runs=ids, action="archive").json() == {"runs": 0}


def test_a_bulk_deed_that_cannot_be_is_refused_whole(alice, runs, people):
    ids = [run.pk for run in runs]
    Run.objects.filter(pk=ids[0]).update(slurm_job_id=828)
    for body, status in (
        ({"runs": ids, "action": "delete"}, 409),
        ({"runs": [*ids, "0" * 32], "action": "archive"}, 404),
        ({"runs": ids, "action": "tag"}, 400),
        ({"runs": ids, "action": "burn"}, 400),
        ({"runs": [], "action": "archive"}, 400),
        ({"runs": ["x"] * 501, "action": "archive"}, 400),
    ):
        assert bulk(alice, **body).status_code == status
    alice.force_login(people.rita)
    assert bulk(alice, runs=ids, action="archive").status_code == 403
    assert not Run.objects.exclude(archived_at=None, deleted_at=None).exists()
