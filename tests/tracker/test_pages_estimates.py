"""What pages say of a start that is awaited: sentence, picture, numbers, and how it is known."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from tests.factories import make_cluster, make_experiment, make_job
from tracker.models import Actor, ClusterAccount, Partition, Poll
from tracker.recording import NewEstimate, create_run, publish_estimates
from tracker.templatetags.estimates import because, chance, method_words

pytestmark = pytest.mark.django_db
SPREAD = {
    "p10_at": timedelta(minutes=20),
    "p50_at": timedelta(hours=2, seconds=30),
    "p90_at": timedelta(hours=5, seconds=30),
    "finish_p50_at": timedelta(hours=8),
    "finish_p90_at": timedelta(hours=30),
}
DRAWN = {"p_within_10_min": 0.125, "replicas": 16, "method": "ensemble", "inputs_age_s": 40.0}


@pytest.fixture
def waiting(client, people):
    """A page reader, and a job of its own that waits for its run."""
    cluster = make_cluster()
    ClusterAccount.objects.create(user=people.alice, cluster=cluster, unix_name="alice")
    job = make_job(cluster, user="alice", reason="Resources")
    experiment = make_experiment(people.alice)
    run, _ = create_run(
        experiment, actor=Actor(people.alice), cluster=cluster, slurm_job_id=job.job_id
    )
    client.force_login(people.alice)
    return client, run, job


def publish(job, **fields) -> None:
    now = timezone.now()
    at = {name: now + ahead for name, ahead in fields.items() if isinstance(ahead, timedelta)}
    publish_estimates(now, [NewEstimate(job.pk, snapshot_at=now, **(fields | at))])


def words(client, url: str) -> str:
    """The text of a page, times as "in 2 h" or by the clock."""
    return " ".join(strip_tags(client.get(url).text).split())


def run_page(waiting, **estimate) -> str:
    client, run, job = waiting
    if estimate:
        publish(job, **estimate)
    return words(client, f"/runs/{run.pk}")


def test_a_start_is_told_with_its_range_its_chance_and_its_end(waiting):
    text = run_page(waiting, **SPREAD, **DRAWN)
    assert "It is next in line" in text
    assert re.search(
        r"Starts about \S+ \S+ UTC \(in 2 h\); nine times in ten by \S+ \S+ UTC\.", text
    )
    assert "12 % chance to start within ten minutes. Ends about" in text


def test_how_it_was_made_is_one_line(waiting):
    text = run_page(waiting, **SPREAD, **DRAWN, how="calibrated on 340 forecasts")
    assert (
        "From 16 simulated futures of the queue, their run times and new jobs drawn from its past;"
        " 1 d ahead, made 0 s ago from facts up to 40 s old; calibrated on 340 forecasts."
    ) in text


def test_few_replicas_are_called_few(waiting):
    text = run_page(waiting, **SPREAD, **(DRAWN | {"replicas": 4}))
    assert "drawn from its past (few, so the range is rough); 1 d ahead" in text


def test_a_plan_says_that_it_knows_no_range_and_claims_no_chance(waiting):
    text = run_page(waiting, p50_at=timedelta(hours=2, seconds=30), method="plan")
    assert "Starts about" in text and "(in 2 h)." in text
    assert "how far the start may be off is not known" in text
    assert "chance" not in text and "nine times" not in text


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (
            {"later_than_horizon": ("p50", "p90")},
            "Starts later than 1 d from now, more likely than not.",
        ),
        (
            {"later_than_horizon": ("p50", "p90"), "p10_at": timedelta(hours=3)},
            "more likely than not; one time in ten by",
        ),
        (
            {"later_than_horizon": ("p90",), "p50_at": timedelta(hours=3)},
            "at least one time in ten later than 1 d ahead.",
        ),
        (
            {"reason_class": "E", "why": "It is held. Release it."},
            "Its start cannot be estimated, because it is held. Release it.",
        ),
        ({"p50_at": timedelta(minutes=-5)}, "Expected any moment: it was due about"),
        ({}, "No forecast has been made for this job yet."),
    ],
)
def test_every_answer_has_its_words(waiting, estimate, said):
    assert said in run_page(waiting, **estimate)


def test_the_picture_is_drawn_without_a_script_and_its_numbers_are_in_a_table(waiting):
    client, run, job = waiting
    publish(job, **SPREAD, **DRAWN)
    html = client.get(f"/runs/{run.pk}").text
    picture = html[html.index('class="spread"') : html.index("In numbers")]
    assert picture.count("spread-range") == 2  # start and end
    assert ">now</text>" in picture
    cells = html[html.index("In numbers") :].split("</table>")[0]
    assert re.findall(r'scope="(?:col|row)">([^<]+)', cells) == [
        *("1 in 10 by", "Half by", "9 in 10 by"),
        *("Starts", "Ends"),
    ]
    assert cells.count("<time") == len(SPREAD)


def test_a_start_beyond_what_was_simulated_is_named_in_the_table(waiting):
    known = {name: SPREAD[name] for name in ("p10_at", "p50_at")}
    text = run_page(waiting, **known, **DRAWN, later_than_horizon=("p90",))
    assert "later than 1 d" in text.split("In numbers")[1]


def test_a_start_that_moved_says_how_far_since_when_and_why(waiting):
    moved = {"moved_s": 2400.0, "moved_since": timedelta(minutes=-4)}
    why = "12 jobs of higher priority joined the queue ahead of it."
    text = run_page(waiting, **SPREAD, **DRAWN, **moved, moved_why=why)
    assert re.search(rf"Moved by \+40 min since \S+ \S+ UTC: {why}", text)
    _, _, job = waiting
    publish(job, **SPREAD, **DRAWN, moved_s=-90.0, moved_why="It came past 2 jobs in the queue.")
    assert "Moved by −1 min 30 s: it came past 2 jobs in the queue." in run_page(waiting)


@pytest.mark.parametrize("url", ["/jobs", "/clusters/lab", "/plan?cluster=lab"])
def test_lists_tell_the_range_too(waiting, url):
    client, _, job = waiting
    Partition.objects.create(cluster=job.cluster, name="gpu", state="UP")
    Poll.objects.create(
        cluster=job.cluster,
        command="squeue",
        started_at=timezone.now(),
        seconds=0,
        ok=True,
        raw=b"",
    )
    publish(job, **SPREAD, **DRAWN)
    assert re.search(r"about \S+ \S+ UTC 8 in 10: \S+ \S+ UTC to \S+ \S+ UTC", words(client, url))


@pytest.mark.parametrize("url", ["/", "/experiments/{}"])
def test_lists_of_runs_tell_when_and_by_when(waiting, url):
    client, run, job = waiting
    publish(job, **SPREAD, **DRAWN)
    text = words(client, url.format(run.experiment_id))
    assert "starts in 2 h nine times in ten by" in text


@pytest.mark.parametrize(
    ("why", "clause"),
    [
        ("It is held.", "it is held."),
        ("QOS limit reached.", "QOS limit reached."),
        ("A licence it needs is in use.", "a licence it needs is in use."),
        ("12 jobs came.", "12 jobs came."),
        ("", ""),
    ],
)
def test_a_reason_becomes_a_clause(why, clause):
    assert because(why) == clause


@pytest.mark.parametrize(
    ("share", "replicas", "said"),
    [
        (None, 16, "–"),
        (0.0, 16, "under 6 %"),
        (0.0, 64, "under 2 %"),
        (0.125, 16, "12 %"),
        (0.5, 16, "50 %"),
        (1.0, 16, "over 94 %"),
    ],
)
def test_a_chance_claims_no_more_than_its_replicas_can_tell(share, replicas, said):
    assert chance(share, replicas) == said


def test_a_method_that_has_no_words_is_named():
    assert method_words("tomorrow") == "tomorrow"
