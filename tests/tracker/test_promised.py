"""Promised against happened: the part of a run's page that holds both."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from planner.models import Promise, Question
from planner.watches import promises
from planner.watches.promises import Said
from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.planner.watch_world import asked, option
from tests.tracker.starting.start import SCRIPT, begin, nobody_rings
from tracker.models import Actor, Attempt, Cluster, ClusterAccount, Job, Run
from tracker.recording import NewEstimate, create_run, publish_estimates
from tracker.slurm.batch import BatchOptions
from tracker.submission import Wish

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = make_cluster(is_demo=True, submit_as="self", work_dir="/home/alice")
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="qc-alice")
    return cluster


@pytest.fixture
def question(people, cluster) -> Question:
    return asked(people.alice, cluster, NOW, option(4 * HOUR))


@pytest.fixture
def chosen(people, question) -> Promise:
    """Two to eight hours, four in the middle."""
    experiment = make_experiment(people.alice, batch_script=SCRIPT)
    [seen] = question.answer["options"]
    return promises.choose(people.alice, question, seen, experiment, NOW)


def started(promise: Promise, after: timedelta | None, **options: object) -> Run:
    """A run that was sent with the promise's key, and started so long after it."""
    wish = Wish(options=BatchOptions(partition="gpu", gres="gpu:a100:2", **options))
    sent, _ = begin(promise.experiment, promise.cluster, wish, key=promise.key, ring=nobody_rings)
    run = sent.runs.get()
    if after is not None:
        Run.objects.update(status="RUNNING", started_at=NOW + after)
    return run


def shown(client, user, run: Run) -> str:
    client.force_login(user)
    answer = client.get(f"/runs/{run.pk}/promised")
    assert answer.status_code == 200
    return " ".join(strip_tags(answer.text).split())


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (8 * HOUR + MINUTE, "4 h 1 min after the middle: inside the range"),
        (8 * HOUR + 2 * MINUTE, "4 h 2 min after the middle: later than nine in ten."),
        (3 * HOUR, "1 h before the middle: inside the range that eight starts in ten fall into."),
        (HOUR, "3 h before the middle: earlier than nine in ten."),
        (9 * HOUR, "5 h after the middle: later than nine in ten."),
    ],
)
def test_the_start_is_held_against_the_option_that_was_chosen(
    client, people, chosen, after, words
) -> None:
    text = shown(client, people.alice, started(chosen, after))
    assert "The option chosen (gpu, a100) said 2026-11-23 12:30 UTC: a start" in text
    assert "start about 2026-11-23 16:30 UTC, nine times in ten by 2026-11-23 20:30 UTC" in text
    assert words in text


def test_an_old_queue_promises_no_start_before_the_job_was_there(client, people, question) -> None:
    experiment = make_experiment(people.alice, batch_script=SCRIPT)
    [seen] = question.answer["options"]
    promise = promises.choose(people.alice, question, seen, experiment, NOW + 5 * HOUR)
    text = shown(client, people.alice, started(promise, 5 * HOUR + MINUTE))
    assert "start about 2026-11-23 17:30 UTC, nine times in ten by 2026-11-23 20:30 UTC" in text
    assert "1 min after the middle: inside the range" in text


def test_while_it_waits_the_promise_stands_alone(client, people, chosen, cluster) -> None:
    text = shown(client, people.alice, started(chosen, None))
    assert "It has not started yet, which is later than nine in ten" in text


def test_a_promise_that_still_may_be_kept_is_not_called_late(client, people, cluster) -> None:
    now = timezone.now()
    question = asked(people.alice, cluster, now, option(4 * HOUR))
    experiment = make_experiment(people.alice, batch_script=SCRIPT)
    promise = promises.choose(
        people.alice, question, question.answer["options"][0], experiment, now
    )
    text = shown(client, people.alice, started(promise, None))
    assert "It has not started yet." in text


def test_another_request_than_the_promise_was_for_is_said(client, people, chosen) -> None:
    same = {"time_limit_minutes": 60}
    assert "in place of" not in shown(client, people.alice, started(chosen, HOUR, **same))
    Run.objects.all().delete()
    chosen.experiment.submissions.all().delete()
    other = {"time_limit_minutes": 600, "qos": "low"}
    text = shown(client, people.alice, started(chosen, HOUR, **other))
    assert "It was sent with --time=600 --qos=low in place of what this was said of" in text


def estimated(job: Job, issued_at=NOW, **hours: float) -> None:
    times = {f"{name}_at": NOW + after * HOUR for name, after in hours.items()}
    publish_estimates(
        issued_at, [NewEstimate(job_id=job.pk, snapshot_at=issued_at, submit_at=NOW, **times)]
    )


@pytest.fixture
def tracked(people, cluster) -> Run:
    """A run whose job was submitted elsewhere."""
    job = make_job(cluster)
    create_run(
        make_experiment(people.alice),
        actor=Actor(people.alice),
        cluster=cluster,
        slurm_job_id=job.job_id,
    )
    Run.objects.update(status="RUNNING", started_at=NOW + 3 * HOUR, job=job)
    return Run.objects.get()


def test_without_a_promise_the_first_forecast_of_the_job_is_what_was_promised(
    client, people, tracked
) -> None:
    estimated(tracked.job, p10=1, p50=2, p90=5)
    estimated(tracked.job, NOW + HOUR, p10=6, p50=7, p90=8)
    text = shown(client, people.alice, tracked)
    assert "The first forecast of its job" in text
    assert "1 h after the middle: inside the range" in text


def test_a_plan_knows_no_range_and_none_is_claimed(client, people, tracked) -> None:
    estimated(tracked.job, p50=2)
    text = shown(client, people.alice, tracked)
    assert "It started 2026-11-23 15:30 UTC, 1 h after the middle." in text


def test_a_requeued_job_is_judged_by_its_first_start(people, tracked) -> None:
    Attempt.objects.filter(job=tracked.job).update(start_at=NOW + HOUR)
    Run.objects.update(attempt=1, started_at=NOW + 9 * HOUR)
    assert promises.first_start(Run.objects.get()) == NOW + HOUR


def test_where_nothing_was_foretold_nothing_is_shown(client, people, tracked) -> None:
    client.force_login(people.alice)
    assert client.get(f"/runs/{tracked.pk}/promised").status_code == 204
    assert f'hx-get="/runs/{tracked.pk}/promised"' in client.get(f"/runs/{tracked.pk}").text


def test_it_is_shown_to_whom_the_run_is_shown(client, people, chosen) -> None:
    run = started(chosen, HOUR)
    assert "The option chosen" in shown(client, people.rita, run)
    client.force_login(people.mallory)
    assert client.get(f"/runs/{run.pk}/promised").status_code == 404


@pytest.mark.parametrize(
    ("p10", "p90", "later", "hours", "verdict"),
    [
        (1, 3, (), 2, "inside"),
        (1, None, ("p90",), 20, "inside"),
        (1, None, ("p90",), 200, ""),  # past the horizon nothing more was told
        (1, None, ("p90",), 0.5, "early"),
        (None, None, ("p10", "p50", "p90"), 2, ""),
        (None, 3, (), 4, "late"),
        (None, 3, (), 2, ""),
    ],
)
def test_a_verdict_claims_no_more_than_the_range_that_was_told(
    p10, p90, later, hours, verdict
) -> None:
    low, high = (None if at is None else NOW + at * HOUR for at in (p10, p90))
    said = Said("", NOW, low, None, high, later, NOW + 24 * HOUR)
    assert said.verdict(NOW + hours * HOUR) == verdict
    assert said.off_by(NOW) is None


def test_a_promise_that_nothing_was_started_with_is_forgotten(chosen, question, people) -> None:
    started(chosen, None)
    [seen] = question.answer["options"]
    promises.choose(people.alice, question, seen, chosen.experiment, NOW)
    promises.forget_unused(NOW + promises.UNUSED_FOR + MINUTE)
    assert Promise.objects.get() == chosen
