"""The root-path contracts: creating a run, logging metrics, hinting at a job."""

import json
import math
from ipaddress import ip_network

import pytest

from tests.factories import make_cluster, make_experiment, make_job
from tests.tracker.callers import JSON, anonymous, by_session, by_token
from tracker.api.throttling import REQUESTS_PER_WINDOW, WINDOW_S
from tracker.metrics.points import value_of
from tracker.models import JobHint, MetricPoint, Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(people):
    return make_experiment(people.alice)


@pytest.fixture
def job(people, experiment):
    """A training job with the token of its experiment."""
    return by_token(people.alice, "run", experiment=experiment)


@pytest.fixture
def run_id(job, experiment) -> str:
    return job.post(f"/experiments/{experiment.pk}/runs", {}, JSON).json()["run_id"]


def told(answer) -> dict:
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return problem


def test_a_create_answers_201_first_and_200_again_with_the_same_run_id(job, experiment):
    body = {"slurm_job_id": "828", "seed": 7, "config": {"lr": 0.1}}
    first = job.post(f"/experiments/{experiment.pk}/runs", body, JSON)
    again = job.post(f"/experiments/{experiment.pk}/runs", body | {"slurm_job_id": 828}, JSON)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == {"run_id": Run.objects.get().pk}
    assert len(first.json()["run_id"]) == 32


def test_a_create_may_name_the_run_and_a_repeat_renames_nothing(job, experiment):
    body = {"slurm_job_id": 828, "name": "läuft"}
    for name, status in (("läuft", 201), ("other", 200)):
        answer = job.post(f"/experiments/{experiment.pk}/runs", body | {"name": name}, JSON)
        assert (answer.status_code, Run.objects.get().name) == (status, "läuft")
    answer = job.post(f"/experiments/{experiment.pk}/runs", {"name": "x" * 201}, JSON)
    assert answer.status_code == 400
    assert told(answer)["errors"][0]["field"] == "name"


@pytest.mark.parametrize("outside_slurm", [None, ""])
def test_a_run_outside_of_slurm_is_always_new(job, experiment, outside_slurm):
    body = {"slurm_job_id": outside_slurm}
    answers = [job.post(f"/experiments/{experiment.pk}/runs", body, JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({"slurm_job_id": "12_3"}, "slurm_job_id"),
        ({"slurm_job_id": True}, "slurm_job_id"),
        ({"slurm_job_id": 1.5}, "slurm_job_id"),
        ({"slurm_job_id": 10**30}, "slurm_job_id"),
        ({"slurm_job_id": "²"}, "slurm_job_id"),
        ({"seed": "7"}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": -(2**63) - 1}, "seed"),
        ({"config": [1]}, "config"),
        ({"key": "k" * 121}, "key"),
        ({"cluster": "atlantis"}, "cluster"),
        ({"config": {"a": "\x00"}}, "config.a"),
        ({"config": {"\x00": 1}}, "config"),
        ({"config": {"deep": ["\ud800"]}}, "config.deep.0"),
    ],
)
def test_a_bad_create_names_the_field_the_value_and_the_cure(job, experiment, body, field):
    answer = job.post(f"/experiments/{experiment.pk}/runs", json.dumps(body), JSON)
    assert answer.status_code == 400
    error = told(answer)["errors"][0]
    assert error["field"] == field
    assert error["message"]
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    "text",
    [" ", "{", "nul", '{"config": NaN}', '{"config": {"x": 1e999}}', "[" * 100_000, "9" * 5_000],
)
def test_what_is_no_json_is_told_as_such(job, experiment, text):
    answer = job.post(f"/experiments/{experiment.pk}/runs", text, JSON)
    assert answer.status_code == 400
    assert "JSON" in told(answer)["detail"]


@pytest.mark.parametrize("broken", [b"\xff", b"\xed\xa0\x80"])  # the latter half a surrogate pair
def test_text_that_is_not_utf8_is_told_as_such(job, experiment, broken):
    body = b'{"config": {"a": "%s"}}' % broken
    answer = job.post(f"/experiments/{experiment.pk}/runs", body, JSON)
    assert "not UTF-8" in told(answer)["detail"]


def test_json_deeper_than_forty_brackets_is_refused(job, experiment):
    deep = json.loads("[" * 50 + "]" * 50)
    answer = job.post(f"/experiments/{experiment.pk}/runs", {"config": {"deep": deep}}, JSON)
    assert "nested more than 40 deep" in told(answer)["detail"]


def test_several_clusters_and_none_named_is_a_409_that_names_the_field(job, experiment):
    make_cluster("lab")
    make_cluster("north")
    path = f"/experiments/{experiment.pk}/runs"
    answer = job.post(path, {"slurm_job_id": 828}, JSON)
    assert answer.status_code == 409
    assert told(answer)["errors"][0]["field"] == "cluster"
    assert job.post(path, {"slurm_job_id": 828, "cluster": "lab"}, JSON).status_code == 201


@pytest.mark.parametrize("name", ["999999", "abc", "0x1", "-1", "9" * 40, "1.0"])
def test_an_unknown_experiment_is_a_404_problem(job, name):
    answer = job.post(f"/experiments/{name}/runs", {}, JSON)
    assert answer.status_code == 404
    assert name[:40] in told(answer)["detail"]


def test_a_token_of_another_experiment_is_told_whose_it_is(job, experiment, people):
    other = make_experiment(people.alice)
    problem = told(job.post(f"/experiments/{other.pk}/runs", {}, JSON))
    assert problem["status"] == 404
    assert f"Your token is for experiment {experiment.pk}" in problem["detail"]


def test_another_content_type_is_a_415_and_another_method_a_405(job, experiment):
    path = f"/experiments/{experiment.pk}/runs"
    assert told(job.post(path, {"seed": 1}))["status"] == 415
    answer = job.get(path)
    assert told(answer)["status"] == 405
    assert answer["Allow"] == "POST"


def test_one_point_or_a_list_of_points_is_stored(job, run_id):
    path = f"/runs/{run_id}/metrics"
    one = {"name": "loss", "step": 1, "value": 0.5}
    assert job.post(path, one, JSON).json() == {"stored": 1}
    both = job.post(path, [one, {"name": "loss", "step": 2, "value": 1}], JSON)
    assert (both.status_code, both.json()) == (201, {"stored": 1})
    assert job.post(path, one, JSON).status_code == 200


def test_not_a_number_and_the_infinities_are_kept_as_strings_and_as_bare_tokens(job, run_id):
    words = ["NaN", "Infinity", "-Infinity"]
    bare = [f'{{"name": "bare", "step": {n}, "value": {word}}}' for n, word in enumerate(words)]
    quoted = [f'{{"name": "string", "step": {n}, "value": "{w}"}}' for n, w in enumerate(words)]
    text = ",".join([*bare, *quoted])
    assert job.post(f"/runs/{run_id}/metrics", f"[{text}]", JSON).json() == {"stored": 6}
    for form in ("bare", "string"):
        points = MetricPoint.objects.filter(series__name=form).order_by("step")
        values = [value_of(point.value_bits) for point in points]
        assert math.isnan(values[0])
        assert values[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize("value", ["nan", "inf", "+Infinity", "0.5", "", None, True, [1], {}])
def test_other_spellings_of_a_value_are_refused(job, run_id, value):
    answer = job.post(f"/runs/{run_id}/metrics", {"name": "loss", "value": value}, JSON)
    assert answer.status_code == 400
    error = told(answer)["errors"][0]
    assert error["field"] == "value"
    assert '"NaN"' in error["message"]


@pytest.mark.parametrize(
    ("point", "field"),
    [
        ({"value": 1}, "1.name"),
        ({"name": "", "value": 1}, "1.name"),
        ({"name": "n" * 251, "value": 1}, "1.name"),
        ({"name": 5, "value": 1}, "1.name"),
        ({"name": "a\x00", "value": 1}, "1.name"),
        ({"name": "a", "value": 10**400}, "1.value"),
        ({"name": "a", "value": 1, "step": 1.5}, "1.step"),
        ({"name": "a", "value": 1, "step": 2**63}, "1.step"),
        ({"name": "a", "value": 1, "step": None}, "1.step"),
        ({"name": "a", "value": 1, "attempt": -1}, "1.attempt"),
        ({"name": "a", "value": 1, "time": "yesterday"}, "1.time"),
        ({"name": "a", "value": 1, "time": "2026-11-23T12:30:00"}, "1.time"),
        ({"name": "a", "value": 1, "time": 1e300}, "1.time"),
        ({"name": "a", "value": 1, "time": True}, "1.time"),
        ("loss", "1"),
    ],
)
def test_a_bad_point_names_its_place_and_nothing_of_its_batch_is_stored(job, run_id, point, field):
    good = {"name": "loss", "step": 1, "value": 0.5}
    answer = job.post(f"/runs/{run_id}/metrics", [good, point], JSON)
    assert answer.status_code == 400
    assert told(answer)["errors"][0]["field"] == field
    assert MetricPoint.objects.count() == 0


def test_the_clients_time_is_taken_as_epoch_seconds_or_iso_text(job, run_id):
    times = [1_700_000_000, 1_700_000_000.25, "2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20Z"]
    points = [{"name": str(n), "value": 1, "time": time} for n, time in enumerate(times)]
    assert job.post(f"/runs/{run_id}/metrics", points, JSON).status_code == 201
    kept = MetricPoint.objects.order_by("series__name").values_list("client_us", flat=True)
    second = 1_700_000_000_000_000
    assert list(kept) == [second, second + 250_000, second, second]


def test_more_than_a_thousand_points_or_a_megabyte_is_a_413(job, run_id):
    path = f"/runs/{run_id}/metrics"
    points = [{"name": "loss", "step": step, "value": 1} for step in range(1_001)]
    assert "at most 1000" in told(job.post(path, points, JSON))["detail"]
    assert job.post(path, points[:1_000], JSON).json() == {"stored": 1_000}
    huge = json.dumps({"name": "loss", "value": 1, "note": "x" * 1_100_000})
    answer = job.post(path, huge, JSON)
    assert answer.status_code == 413
    assert "1048576 bytes" in told(answer)["detail"]


def test_an_unknown_run_is_a_404_problem(job):
    for name in ("f" * 32, "nonsense", "a\x00b"):
        answer = job.post(f"/runs/{name}/metrics", {"name": "loss", "value": 1}, JSON)
        assert told(answer)["status"] == 404


# --- the webhook
def webhook(client, **fields):
    body = "&".join(f"{name}={value}" for name, value in fields.items())
    return client.post("/webhooks/slurm", body, "application/x-www-form-urlencoded")


def test_a_hint_is_accepted_early_repeated_and_late(people):
    epilog = by_token(people.staff, "webhook")
    for _ in range(3):
        assert webhook(epilog, job_id=828, status="completed").status_code == 202
    hint = JobHint.objects.get()
    assert (hint.job_id, hint.times, hint.said_status) == (828, 3, "completed")
    hint.checked_at = hint.received_at
    hint.save()
    assert webhook(epilog, job_id=828, status="completed").status_code == 202
    assert JobHint.objects.count() == 2


def test_a_hint_is_never_taken_as_the_jobs_state(people, experiment, job):
    cluster = make_cluster()
    running = make_job(cluster, 828, state="RUNNING")
    run_id = job.post(f"/experiments/{experiment.pk}/runs", {"slurm_job_id": 828}, JSON).json()
    assert webhook(by_token(people.staff, "webhook"), job_id=828, status="completed")
    running.refresh_from_db()
    assert running.state == "RUNNING"
    assert Run.objects.get(pk=run_id["run_id"]).status == "RUNNING"


@pytest.mark.parametrize(
    ("told_id", "raw_id"),
    [("828", 828), (828, 828), ("12_3", 15), ("12_4", 12), ("12_[4-9%2]", 12), ("834+0", 834)],
)
def test_a_hint_may_come_as_json_and_with_an_array_tasks_id(people, told_id, raw_id):
    make_job(make_cluster(), 15, array_job_id=12, array_task_id=3)
    epilog = by_token(people.staff, "webhook")
    assert epilog.post("/webhooks/slurm", {"job_id": told_id}, JSON).status_code == 202
    assert JobHint.objects.get().job_id == raw_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "job_id"),
        ({"job_id": ""}, "job_id"),
        ({"job_id": "train.py"}, "job_id"),
        ({"job_id": True}, "job_id"),
        ({"job_id": 1.5}, "job_id"),
        ({"job_id": -1}, "job_id"),
        ({"job_id": "9" * 30}, "job_id"),
        ({"job_id": 1, "status": 0}, "status"),
        ({"job_id": 1, "status": "x" * 33}, "status"),
        ({"job_id": 1, "cluster": "atlantis"}, "cluster"),
    ],
)
def test_a_bad_hint_names_the_field(people, body, field):
    answer = by_token(people.staff, "webhook").post("/webhooks/slurm", body, JSON)
    assert answer.status_code == 400
    assert told(answer)["errors"][0]["field"] == field


def test_a_runs_own_token_tells_of_its_job_and_of_no_other(people, experiment):
    run_token = by_token(people.alice, "run", experiment=experiment)
    run_token.post(f"/experiments/{experiment.pk}/runs", {"slurm_job_id": 828}, JSON)
    assert webhook(run_token, job_id=828, status="completed").status_code == 202
    assert webhook(run_token, job_id=829, status="completed").status_code == 403
    assert JobHint.objects.get().job_id == 828


def test_a_token_of_one_cluster_tells_of_no_other(people):
    lab, _ = make_cluster("lab"), make_cluster("north")
    epilog = by_token(people.staff, "webhook", cluster=lab)
    assert webhook(epilog, job_id=1).status_code == 202
    assert JobHint.objects.get().cluster == lab
    assert webhook(epilog, job_id=1, cluster="north").status_code == 403


def test_without_a_token_only_a_trusted_network_is_heard(settings):
    assert told(webhook(anonymous(), job_id=1))["status"] == 401
    settings.WEBHOOK_TRUSTED_NETS = [ip_network("127.0.0.0/8")]
    assert webhook(anonymous(), job_id=1).status_code == 202
    behind_a_proxy = anonymous().post(
        "/webhooks/slurm", {"job_id": 1}, JSON, headers={"x-forwarded-for": "10.0.0.1"}
    )
    assert told(behind_a_proxy)["status"] == 401


def test_a_trusted_network_is_not_heard_without_limit(settings, monkeypatch):
    settings.WEBHOOK_TRUSTED_NETS = [ip_network("127.0.0.0/8")]
    monkeypatch.setitem(REQUESTS_PER_WINDOW, "address", 2)
    answers = [webhook(anonymous(), job_id=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 10


def test_a_run_token_may_send_at_least_fifty_requests_a_second():

    assert REQUESTS_PER_WINDOW["run"] / WINDOW_S >= 50


def test_a_session_needs_its_csrf_token_where_a_token_needs_none(people, experiment):
    answer = by_session(people.alice).post(f"/experiments/{experiment.pk}/runs", {}, JSON)
    assert answer.status_code == 403
    assert "CSRF" in told(answer)["detail"]
