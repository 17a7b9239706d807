"""The page of a run: how it stands in words, curves, settings, its job, and the live part. What it
says of a start that is awaited: test_pages_estimates.py."""

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_cluster, make_experiment, make_job
from tracker.models import Actor, ClusterAccount, Run
from tracker.recording import NewPoint, add_artifact, append_points, create_run
from tracker.views.config_diff import settings_of
from tracker.views.run_cards import cards_of
from tracker.views.run_standing import Standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(client, people):
    client.force_login(people.alice)
    return client


def make_run(people, **fields):
    experiment = make_experiment(people.alice)
    run, _ = create_run(experiment, actor=Actor(people.alice), **fields)
    return run


def make_job_run(people, **job_fields):
    cluster = make_cluster()
    job = make_job(cluster, **job_fields)
    return make_run(people, cluster=cluster, slurm_job_id=job.job_id), job


def curves_in(answer):
    found = re.search(r'<script id="run-curves"[^>]*>(.*?)</script>', answer.text, re.DOTALL)
    return json.loads(found[1])


@pytest.mark.parametrize("status", Run.Status.values)
def test_every_status_has_words_of_its_own(people, status):
    run = make_run(people)
    run.status = status
    standing = Standing.of(run, None, timezone.now())
    assert standing.headline
    assert standing.waited_s is None
    assert standing.ran_s is None


def test_a_running_run_says_where_and_until_when(people):
    start = timezone.now() - timedelta(hours=1)
    run, job = make_job_run(
        people, state="RUNNING", start_at=start, node_list="gpu03", limit_minutes=90
    )
    run.refresh_from_db()
    attempt = job.attempts.get()
    attempt.node_list = "gpu03"
    standing = Standing.of(run, attempt, start + timedelta(hours=1))
    assert standing.headline == "On gpu03"
    assert standing.limit_at == start + timedelta(minutes=90)
    assert standing.ran_s == 3600


def cards(run):
    standing = Standing.of(run, None, timezone.now())
    return {card.label: (card.value, card.note) for card in cards_of(run, standing)}


def test_a_running_run_counts_on_and_says_when_its_limit_ends_it(people):
    start = timezone.now() - timedelta(hours=1)
    run, _ = make_job_run(people, state="RUNNING", start_at=start, limit_minutes=90)
    run.refresh_from_db()
    shown = cards(run)
    assert "data-since" in shown["Running for"][0]
    assert "at the latest" in shown["Left of its limit"][1]
    assert shown["Attempt"] == ("1", "never requeued")


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"limit_minutes": 90}, "limit 1 h 30 min"),
        ({"limit_unlimited": True}, "no limit"),
        ({}, "no limit known"),
    ],
)
def test_a_pending_run_names_the_limit_that_will_hold(people, limit, words):
    run, _ = make_job_run(people, **limit)
    run.refresh_from_db()
    shown = cards(run)
    assert "data-since" in shown["Waiting for"][0]
    assert shown["Left of its limit"] == ("–", words)


def test_a_run_that_hit_its_limit_says_which(people):
    start = timezone.now() - timedelta(hours=2)
    run, _ = make_job_run(people, limit_minutes=90)
    run.refresh_from_db()
    run.status, run.started_at, run.ended_at = "TIMEOUT", start, start + timedelta(minutes=90)
    run.attempt = 2
    shown = cards(run)
    assert Standing.of(run, None, timezone.now()).headline.endswith("limit of 1 h 30 min")
    assert shown["Ran"][0] == "1 h 30 min"
    assert "data-age" in shown["Ended"][0]
    assert shown["Attempt"] == ("3", "requeued 2 times")


def test_the_page_names_the_metrics_whose_curves_are_asked_for(alice, people):
    run = make_run(people)
    append_points(run, [NewPoint("loss", 1, 0.5), NewPoint("acc", 1, 0.5)], now=timezone.now())
    answer = alice.get(f"/runs/{run.pk}?smoothing=0.5&x=time&log=1")
    assert curves_in(answer) == ["loss", "acc"]
    assert f'data-source="/api/v1/compare?runs={run.pk}"' in answer.text
    controls = answer.context["controls"]
    assert (controls.smoothing, controls.is_log) == (0.5, True)
    assert [axis.value for axis in controls.axes if axis.is_chosen] == ["time"]


def test_many_metrics_ask_a_bounded_number_of_queries(alice, people, django_assert_max_num_queries):
    run, _ = make_job_run(people)
    points = [NewPoint(f"metric/{number:03}", 1, 0.5) for number in range(60)]
    append_points(run, points, now=timezone.now())
    with django_assert_max_num_queries(50):
        answer = alice.get(f"/runs/{run.pk}")
    assert "Curves are drawn of the first 24 of 60 metrics" in answer.text


def test_an_open_run_refreshes_itself_and_an_ended_one_does_not(alice, people):
    run = make_run(people)
    assert "every 15s" in alice.get(f"/runs/{run.pk}").text
    Run.objects.filter(pk=run.pk).update(status="COMPLETED")
    assert "every 15s" not in alice.get(f"/runs/{run.pk}/live").text


def test_the_live_part_is_sent_again_only_when_something_changed(alice, people):
    run = make_run(people)
    seen = alice.get(f"/runs/{run.pk}").context["version"]
    live = f"/runs/{run.pk}/live?seen={seen}"
    assert alice.get(live).status_code == 204
    append_points(run, [NewPoint("loss", 1, 0.5)], now=timezone.now())
    answer = alice.get(live)
    assert answer.status_code == 200
    assert curves_in(answer) == ["loss"]


def test_a_run_without_a_job_is_not_said_not_to_have_started(alice, people):
    run = make_run(people)
    assert cards(run)["Ran"] == ("–", "no start time known")
    pending, _ = make_job_run(people, state="PENDING")
    assert cards(pending)["Ran"] == ("–", "not started")


def test_the_home_page_does_not_call_runs_that_log_without_a_job_waiting(alice, people):
    make_run(people)
    page = " ".join(alice.get("/").text.split())
    assert "<strong>1</strong> of your runs logs without a job" in page
    assert "None of your runs is running or waiting" not in page
    make_job_run(people, state="PENDING")
    page = " ".join(alice.get("/").text.split())
    assert "<strong>1</strong> waits. <strong>1</strong> logs without a job" in page


def test_losses_come_first_and_the_numbers_stand_below_the_curves(alice, people):
    run = make_run(people)
    names = ("Bleu", "acc", "val/Loss", "loss")
    append_points(run, [NewPoint(name, 1, 0.5) for name in names], now=timezone.now())
    answer = alice.get(f"/runs/{run.pk}")
    assert curves_in(answer) == ["loss", "val/Loss", "acc", "Bleu"]
    page = answer.text
    assert page.index('id="curve-charts"') < page.index('id="metrics-head"')
    update = alice.get(f"/runs/{run.pk}/live").text
    assert 'aria-labelledby="metrics-head" hx-swap-oob="true"' in update


def test_what_a_strangers_live_part_holds_stays_hidden(client, people):
    run = make_run(people)
    client.force_login(people.mallory)
    for path in (f"/runs/{run.pk}", f"/runs/{run.pk}/live", "/runs/nonsense", "/runs/%00"):
        assert client.get(path).status_code == 404


def test_the_record_of_a_foreign_job_is_hidden_where_the_cluster_keeps_jobs_private(client, people):
    run, job = make_job_run(people, user="alice", work_dir="/home/alice/secret")
    job.cluster.private_data = ["jobs"]
    job.cluster.save()
    ClusterAccount.objects.create(user=people.alice, cluster=job.cluster, unix_name="alice")
    client.force_login(people.alice)
    assert "/home/alice/secret" in client.get(f"/runs/{run.pk}").text
    client.force_login(people.rita)
    text = client.get(f"/runs/{run.pk}").text
    assert "/home/alice/secret" not in text
    assert "PrivateData" in text


def test_attempts_are_listed_once_a_job_was_requeued(alice, people):
    run, job = make_job_run(people)
    assert "attempts-head" not in alice.get(f"/runs/{run.pk}").text
    job.attempts.create(number=1, submit_at=timezone.now(), state="RUNNING", node_list="gpu07")
    text = alice.get(f"/runs/{run.pk}").text
    assert "attempts-head" in text
    assert "gpu07" in text


def test_artifacts_are_listed_by_path(alice, people):
    run = make_run(people)
    add_artifact(run, actor=Actor(people.alice), kind="checkpoint", path="/data/<b>/last.pt")
    assert "/data/&lt;b&gt;/last.pt" in alice.get(f"/runs/{run.pk}").text


def test_settings_that_differ_from_sibling_runs_are_named():
    mine = {"lr": 0.1, "model": {"depth": 12}, "only_mine": "x"}
    theirs = [{"lr": 0.2, "model": {"depth": 12}}, {"lr": 0.1, "model": {"depth": 12}, "new": 1}]
    others = {one.name: one.others for one in settings_of(mine, theirs)}
    assert others == {"lr": ("0.2",), "model.depth": (), "new": ("1",), "only_mine": ("",)}


def test_the_values_of_very_many_siblings_are_counted_not_listed():
    (setting,) = settings_of({"lr": 0}, [{"lr": number} for number in range(1, 21)])
    assert len(setting.others) == 5
    assert setting.more == 15
