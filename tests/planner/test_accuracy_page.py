"""The accuracy page and the line about it on the planning page."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from planner.accuracy import Interval
from planner.models import Forecast
from planner.record import replay
from planner.record.track_record import Against
from planner.templatetags.accuracy import error_saved, error_saved_between, share
from tests.factories import make_cluster
from tests.planner.told import told
from tracker.models import Cluster, Partition

pytestmark = pytest.mark.django_db
NOTHING_YET = "The first scores come when jobs that were forecast have started."


@pytest.fixture
def cluster(people) -> Cluster:
    cluster = make_cluster()
    for name in ("cpu", "gpu"):
        Partition.objects.create(cluster=cluster, name=name, state="UP")
    return cluster


def told_jobs(cluster: Cluster, jobs: int, **fields: object) -> None:
    """One an hour; nine of ten start before the 90 % time, and Slurm is off by a day."""
    now = timezone.now()
    for hours in range(jobs):
        came_s = 1200 if hours % 10 == 5 else 540
        at = now - timedelta(hours=hours + 1)
        told(cluster, at, 480, came_s, p10_s=60, p90_s=900, slurm_s=86_400, history_s=60, **fields)


def page(client, user, url: str = "/accuracy?cluster=lab", status: int = 200) -> str:
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == status
    return re.sub(r"\s+", " ", unescape(response.content.decode()))


def test_without_a_cluster_the_page_says_what_is_missing(client, people) -> None:
    html = page(client, people.mallory, "/accuracy")
    assert "<h1>Accuracy</h1>" in html and "No cluster yet" in html


def test_before_the_first_score_it_says_when_scores_come(client, people, cluster) -> None:
    assert NOTHING_YET in page(client, people.mallory)
    told(cluster, timezone.now() - timedelta(hours=1), came_s=None)
    html = page(client, people.mallory, "/accuracy?cluster=lab&days=7")
    assert NOTHING_YET in html
    assert "1 forecast of jobs waits for the start of the job" in html
    assert "plotly" not in html


def test_while_the_past_is_replayed_it_says_how_far(client, people, cluster) -> None:
    now = timezone.now()
    replay.ask(cluster, [now - timedelta(days=1), now - timedelta(days=2)], now)
    assert "0 of 2 stored moments are done" in page(client, people.mallory)
    Forecast.objects.update(state=Forecast.State.DONE)
    assert "stored moments" not in page(client, people.mallory)


def test_the_first_thing_is_one_sentence_and_then_four_numbers(client, people, cluster) -> None:
    told_jobs(cluster, 200)
    html = page(client, people.mallory)
    assert "90 % of jobs started before the time we gave; Slurm's own" in html
    for words in ("Scored forecasts", "Median error", "Started before our 90 % time"):
        assert words in html
    assert '<p class="stat-value">200</p>' in html
    assert '<p class="stat-value">1 min</p>' in html
    assert "77 % less" in html  # mean error 2 min against 9 min of history
    assert "1 min : 8 min" in html and "1 min : 23 h" in html  # of history, of Slurm


def test_without_a_90_percent_time_the_middle_one_is_spoken_of(client, people, cluster) -> None:
    now = timezone.now()
    for hours in range(40):
        told(cluster, now - timedelta(hours=hours + 1), 600, 300 if hours % 2 else 900)
    html = page(client, people.mallory)
    assert "Started before our middle estimate" in html
    assert "no 90 % time was given" in html
    assert "no job in common" in html  # with Slurm, which gave no times


def test_few_jobs_are_called_few_and_give_no_shares(client, people, cluster) -> None:
    told_jobs(cluster, 19)
    html = page(client, people.mallory)
    assert "Only 19 jobs have started" in html
    assert "too few" in html and "90 % of jobs" not in html


def test_the_choice_stands_in_the_address_and_in_the_form(client, people, cluster) -> None:
    told_jobs(cluster, 3, partition="gpu", milestone_minutes=60)
    told_jobs(cluster, 5, partition="cpu")
    html = page(client, people.mallory, "/accuracy?days=90&partition=gpu&milestone=60")
    for value in ("90", "gpu", "60"):
        assert f'<option value="{value}" selected>' in html
    assert "Only 3 jobs have started" in html
    assert "gpu jobs that had waited 1 h" in html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("days=31", "“31” is not one of 7, 30, 90."),
        ("milestone=5", "“5” is not one of 0, 10, 60, 360."),
        ("partition=nowhere", "“nowhere” is not one of cpu, gpu."),
        ("partition=hidden", "“hidden” is not one of cpu, gpu."),
    ],
)
def test_a_bad_choice_is_named_with_its_cure(client, people, cluster, query, said) -> None:
    Partition.objects.create(cluster=cluster, name="hidden", state="UP", hidden=True)
    html = page(client, people.mallory, f"/accuracy?{query}", status=400)
    assert said in html
    assert "There is no such part of the record" in html


def test_an_unknown_cluster_is_not_there(client, people, cluster) -> None:
    page(client, people.mallory, "/accuracy?cluster=mars", status=404)


def test_what_is_censored_and_what_was_replayed_is_said(client, people, cluster) -> None:
    told_jobs(cluster, 4, is_replayed=True)
    told_jobs(cluster, 3, outcome="cancelled")
    told(cluster, timezone.now(), came_s=None)
    html = page(client, people.mallory)
    assert "4 forecasts, scored by the start" in html
    assert "3 whose job was cancelled" in html
    assert "1 whose job waits still" in html
    assert "4 of all these were made later" in html


def test_no_person_and_no_job_is_named_to_anybody(client, people, cluster) -> None:
    cluster.private_data = ["jobs"]
    cluster.save()
    told_jobs(cluster, 30)
    for reader in (people.mallory, people.staff):
        assert "wanda" not in page(client, reader)


def test_private_partitions_are_not_told(client, people, cluster) -> None:
    told_jobs(cluster, 30)
    cluster.private_data = ["partitions"]
    cluster.save()
    assert "gpu" not in page(client, people.mallory)
    assert "By partition" in page(client, people.staff)


def test_a_kept_page_asks_nothing_of_the_record(client, people, cluster) -> None:
    told_jobs(cluster, 3)
    first = page(client, people.mallory)
    told_jobs(cluster, 3)
    assert "Only 3 jobs" in first and "Only 3 jobs" in page(client, people.mallory)


def test_the_planning_page_fetches_its_line_once_and_keeps_it(client, people, cluster) -> None:
    told_jobs(cluster, 40)
    fetches = 'hx-get="/plan/lab/accuracy"'
    plan = page(client, people.mallory, "/plan?cluster=lab")
    assert fetches in plan and 'href="/accuracy?cluster=lab"' in plan
    said = "of jobs started before our 90 % time, median error 1 min where Slurm's own was 23 h"
    line = page(client, people.mallory, "/plan/lab/accuracy")
    assert said in line and fetches not in line
    plan = page(client, people.mallory, "/plan?cluster=lab")
    assert said in plan and fetches not in plan


@pytest.mark.parametrize(
    ("jobs", "said"),
    [(0, "No forecast of the last 30 days is scored yet"), (7, "only 7 can be scored")],
)
def test_the_line_says_when_there_is_little_to_tell(client, people, cluster, jobs, said) -> None:
    told_jobs(cluster, jobs)
    assert said in page(client, people.mallory, "/plan/lab/accuracy")


@pytest.mark.parametrize(
    ("value", "n", "words"),
    [
        (None, 500, "–"),
        (0.894, 500, "89 %"),
        (0.894, 199, "about 90 %"),
        (0.894, 20, "about 90 %"),
        (0.894, 19, "too few"),
        (0.999, 500, "over 99 %"),
        (0.001, 500, "under 1 %"),
        (0.99, 50, "over 95 %"),
        (1.0, 50, "100 %"),
    ],
)
def test_a_share_has_no_more_digits_than_its_jobs_carry(value, n, words) -> None:
    assert words in share(value, n)


@pytest.mark.parametrize(
    ("skill", "interval", "n", "words"),
    [
        (0.35, Interval(0.2, 0.45), 500, "35 % less (20 to 45)"),
        (-0.12, Interval(-0.3, 0.1), 500, "12 % more (−30 to 10)"),
        (-2.0, None, 500, "3.0 times"),
        (0.35, Interval(0.2, 0.45), 19, "too few"),
        (None, None, 0, "–"),
    ],
)
def test_skill_is_said_as_error_saved(skill, interval, n, words) -> None:
    against = Against(1.0, n, 1.0, 1.0, 1.0, 1.0, skill, interval)
    said = f"{error_saved(against)}{error_saved_between(against)}"
    assert re.sub("<[^>]+>", "", said) == words
