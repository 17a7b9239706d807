"""Appending metrics over REST: what it costs, compressed bodies, and curves read back."""

from __future__ import annotations

import gzip
import json

import pytest
from django.db import connection

from tests.factories import NOW, make_experiment
from tests.tracker.callers import JSON, by_session, by_token
from tracker import recording
from tracker.api.throttling import REQUESTS_PER_WINDOW
from tracker.models import Actor, MetricChunk, MetricPoint, Run

pytestmark = pytest.mark.django_db
POINT = {"name": "loss", "step": 1, "value": 0.5}


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def run(people, experiment) -> Run:
    return recording.create_run(experiment, actor=Actor(people.alice))[0]


@pytest.fixture
def job(people, experiment):
    return by_token(people.alice, "run", experiment=experiment)


def stretch(first: int, count: int, name: str = "loss") -> list[dict]:
    return [
        {"name": name, "step": first + n, "value": n / 7, "time": 1e9 + n} for n in range(count)
    ]


def append(client, run: Run, body: object, **headers: str):
    return client.post(f"/runs/{run.pk}/metrics", body, JSON, headers=headers)


def test_a_point_of_a_known_metric_takes_three_statements(job, run, django_assert_num_queries):
    append(job, run, POINT)  # makes the series, and notes that the token was used
    # The caller and the run; then the summary and the point, which PostgreSQL takes in one.
    in_a_transaction = 2 + 2  # and the savepoint of a test's own
    expected = 1 + (1 if connection.vendor == "postgresql" else in_a_transaction)
    with django_assert_num_queries(expected):
        assert append(job, run, POINT | {"step": 2}).status_code == 201


def test_the_number_of_points_does_not_change_the_number_of_statements(
    job, run, django_assert_num_queries
):
    names = [f"m{number}" for number in range(40)]
    append(job, run, [POINT | {"name": name} for name in names])
    body = [point for name in names for point in stretch(2, 25, name)]
    with django_assert_num_queries(6):
        assert append(job, run, body).json() == {"stored": 1_000}
    assert (MetricChunk.objects.count(), MetricPoint.objects.count()) == (40, 40)


def test_both_addresses_take_the_same_points(job, run):
    first = append(job, run, POINT)
    again = job.post(f"/api/v1/runs/{run.pk}/metrics", [POINT], JSON)
    assert (first.status_code, again.status_code) == (201, 200)
    assert MetricPoint.objects.count() == 1


def test_a_compressed_body_is_as_good_as_a_plain_one(job, run):
    packed = gzip.compress(json.dumps(stretch(0, 900)).encode())
    answer = append(job, run, packed, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()) == (201, {"stored": 900})


def test_a_compressed_body_counts_by_its_inflated_size(job, run, settings):
    packed = gzip.compress(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert len(packed) < 2_000
    answer = append(job, run, packed, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert str(settings.DATA_UPLOAD_MAX_MEMORY_SIZE) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{}", "not gzip"),
        (gzip.compress(b"[]" * 500)[:-4], "cut short"),
        (gzip.compress(b"[]") * 2, "goes on"),
    ],
    ids=["plain", "cut", "two"],  # gzip has the time in it, which parallel workers read twice
)
def test_what_is_no_gzip_is_refused(job, run, body, word):
    answer = append(job, run, body, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 400
    assert word in answer.json()["detail"]


def test_another_encoding_is_refused_with_the_cure(job, run):
    answer = append(job, run, b"{}", **{"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert "send gzip" in answer.json()["detail"]


def test_rest_views_take_compressed_bodies_too(people, run):
    packed = gzip.compress(b'{"status": "RUNNING"}')
    alice = by_token(people.alice, "user")
    answer = alice.patch(
        f"/api/v1/runs/{run.pk}", packed, JSON, headers={"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, answer.json()["status"]) == (200, "RUNNING")


def test_too_many_requests_are_told_when_to_come_again(job, run, monkeypatch):
    monkeypatch.setitem(REQUESTS_PER_WINDOW, "run", 2)
    answers = [append(job, run, POINT | {"step": step}) for step in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 10
    assert MetricPoint.objects.count() == 2


def test_a_session_must_show_that_the_page_is_ours(people, run):
    assert append(by_session(people.alice), run, POINT).status_code == 403


@pytest.mark.parametrize("value", ["1e999", "-1e999", "9" * 400])
def test_a_number_beyond_a_double_is_refused_and_named(job, run, value):
    answer = append(job, run, f'{{"name": "loss", "value": {value}}}'.encode())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "value"


def test_a_point_of_the_batch_that_is_wrong_stores_none_of_it(job, run):
    answer = append(job, run, [*stretch(0, 50), POINT | {"step": 0.5}])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "50.step"
    assert run.series.count() == 0


def test_attempts_may_be_mixed_in_one_batch(job, run):
    body = [POINT | {"attempt": attempt, "value": float(attempt)} for attempt in (1, 0, 2)]
    assert append(job, run, body).json() == {"stored": 3}
    assert (run.series.get().last_attempt, run.series.get().last_value) == (2, 2.0)
    curve = job.get(f"/api/v1/runs/{run.pk}/metrics?name=loss").json()
    assert (curve["step"], curve["value"]) == ([1], [2.0])


def test_a_deleted_run_takes_no_points_until_it_is_restored(job, run):
    Run.objects.update(deleted_at=NOW)
    answer = append(job, run, POINT)
    assert answer.status_code == 409
    assert "restore it" in answer.json()["detail"]
    Run.objects.update(deleted_at=None)
    assert append(job, run, POINT).status_code == 201


def test_a_curve_reads_alike_from_rows_and_from_chunks(job, run):
    append(job, run, [POINT | {"step": 0, "value": "NaN"}, *stretch(1, 10)])
    append(job, run, stretch(11, 100))
    address = f"/api/v1/runs/{run.pk}/metrics?name=loss"
    before = job.get(address).json()
    assert (before["step"], before["value"][0]) == (list(range(111)), "NaN")
    recording.seal_points(NOW.replace(year=2100))
    assert MetricPoint.objects.count() == 0 or MetricChunk.objects.count() == 1
    assert job.get(address).json() == before
    few = job.get(f"{address}&from_step=20&to_step=90&max_points=8").json()
    assert len(few["step"]) <= 8
    assert (few["step"][0], few["step"][-1]) == (20, 90)


def test_a_metric_that_is_not_there_is_refused_with_those_that_are(job, run):
    where = f"/api/v1/runs/{run.pk}/metrics?name=los"
    assert "'los'; it has logged none" in job.get(where).json()["detail"]
    append(job, run, [POINT, POINT | {"name": "accuracy"}])
    refused = job.get(where)
    assert refused.status_code == 404
    assert "'los'; it has accuracy, loss." in refused.json()["detail"]
    append(job, run, [POINT | {"name": f"m{number:02}"} for number in range(20)])
    assert job.get(where).json()["detail"].endswith("m17 and more.")
