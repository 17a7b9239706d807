"""How the polls of a cluster fare: the page for staff, the same as JSON, and the pause switch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_experiment, make_job
from tests.tracker.callers import by_token
from tracker.models import AuditEntry, Cluster, JobHint, Poll, Submission
from tracker.polling import KINDS, poll_health
from tracker.polling.health import CommandHealth

pytestmark = pytest.mark.django_db
COMMANDS = [command for commands in KINDS.values() for command in commands]


@pytest.fixture
def cluster(db) -> Cluster:
    return make_cluster()


@pytest.fixture
def staff(client: Client, people) -> Client:
    client.force_login(people.staff)
    return client


def polled(cluster: Cluster, ago_s: float, command: str = "squeue", **fields) -> Poll:
    facts = {"ok": True, "seconds": 0.1, "raw": b"", "raw_size": 100} | fields
    at = timezone.now() - timedelta(seconds=ago_s)
    return Poll.objects.create(cluster=cluster, command=command, started_at=at, **facts)


def health_of(cluster: Cluster, command: str = "squeue") -> CommandHealth:
    health = poll_health(cluster, timezone.now())
    return next(one for one in health.commands if one.command == command)


def words(answer) -> str:
    return " ".join(answer.text.split())


def test_a_cluster_that_was_never_asked_says_what_to_look_at(staff, cluster):
    text = words(staff.get("/clusters/lab/polls"))
    assert "Not polled yet" in text
    assert "a worker of the queue “poll”" in text
    assert text.count("not asked yet") == len(COMMANDS)


def test_figures_are_of_the_last_day(cluster):
    for number in range(10):
        polled(cluster, 60 + 30 * number, seconds=(number + 1) / 10)
    polled(cluster, 400, ok=False, seconds=60, error="SlurmUnavailable: timed out")
    polled(cluster, 7_200, seconds=0.5)
    polled(cluster, 90_000, ok=False, seconds=60, error="old")
    squeue = health_of(cluster)
    assert (squeue.polls, squeue.raw_bytes) == (12, 1200)
    assert squeue.polls_last_hour == 11
    assert squeue.good_share == pytest.approx(11 / 12)
    assert squeue.good_percent == 91
    assert (squeue.median_s, squeue.p90_s) == (0.5, 0.9)
    assert squeue.error == "SlurmUnavailable: timed out"
    nodes = health_of(cluster, "nodes")
    assert (nodes.polls, nodes.good_share, nodes.median_s, nodes.p90_s) == (0, None, None, None)


@pytest.mark.parametrize(
    ("ago_s", "fields", "pace"),
    [
        (20, {}, "usual pace"),
        (200, {}, "late"),
        (5, {"ok": False}, "resting"),
        (300, {"ok": False}, "late"),
    ],
)
def test_the_pace_says_when_it_is_asked_next(cluster, ago_s, fields, pace):
    polled(cluster, ago_s, **fields)
    squeue = health_of(cluster)
    assert squeue.pace == pace
    assert (squeue.rests_until is not None) == (pace == "resting")


def test_a_busy_controller_is_asked_at_half_pace_save_for_its_load(cluster):
    polled(cluster, 20)
    polled(cluster, 20, "sdiag", error="slurmctld is busy (99 threads, agent queue 0)")
    assert health_of(cluster).pace == "half pace"
    assert health_of(cluster, "sdiag").pace == "usual pace"


def test_paused_polls_and_recordings_stand_still(cluster):
    polled(cluster, 20)
    Cluster.objects.update(polling_paused=True)
    assert health_of(Cluster.objects.get()).pace == "paused"
    Cluster.objects.update(polling_paused=False, transport="capture")
    assert health_of(Cluster.objects.get()).pace == "recorded"


def test_what_slurmrestd_cannot_answer_is_not_offered(cluster):
    Cluster.objects.update(transport="slurmrestd", rest_url="http://127.0.0.1:9")
    paces = {one.command: one.pace for one in poll_health(Cluster.objects.get(), NOW).commands}
    assert paces["squeue"] == "not asked yet"
    assert paces["sprio"] == "not offered"


def test_the_page_shows_ages_errors_and_command_lines(staff, cluster):
    polled(cluster, 20, ok=False, error="SlurmRefused: <b>no</b>")
    polled(cluster, 45)
    text = words(staff.get("/clusters/lab/polls"))
    assert "45 s ago" in text
    assert "SlurmRefused: &lt;b&gt;no&lt;/b&gt;" in text
    assert "50 %" in text
    assert "scontrol -a -d show node" in text
    assert "Not polled yet" not in text


def test_what_waits_is_counted(cluster, people):
    now = timezone.now()
    JobHint.objects.create(cluster=cluster, job_id=1, received_at=now)
    JobHint.objects.create(cluster=cluster, job_id=2, received_at=now, checked_at=now)
    make_job(cluster, 1, in_queue=False)
    make_job(cluster, 2, in_queue=False, is_final=True)
    make_job(cluster, 3)
    experiment = make_experiment(people.alice)
    for number, state in enumerate(("waiting", "waiting", "unclear", "sent")):
        Submission.objects.create(
            experiment=experiment, cluster=cluster, unix_name="alice", key=str(number),
            request={}, script="", mark=f"queuecast:{number}", state=state,
        )  # fmt: skip
    health = poll_health(cluster, now)
    assert (health.waiting_hints, health.undecided_jobs) == (1, 1)
    assert health.submissions == {"waiting": 2, "claimed": 0, "unclear": 1}


def test_the_page_asks_a_bounded_number_of_queries(staff, cluster, django_assert_max_num_queries):
    for command in COMMANDS:
        for number in range(30):
            polled(cluster, 20 + 30 * number, command)
    with django_assert_max_num_queries(80):
        staff.get("/clusters/lab/polls")


def test_the_same_is_read_as_json(people, cluster):
    polled(cluster, 20)
    api = by_token(people.staff, "read")
    told = api.get(f"/api/v1/clusters/{cluster.pk}/polls").json()
    squeue = next(one for one in told["commands"] if one["command"] == "squeue")
    assert [one["command"] for one in told["commands"]] == COMMANDS
    assert (squeue["pace"], squeue["good_share"], squeue["raw_bytes"]) == ("usual pace", 1.0, 100)
    assert squeue["argv"].startswith("squeue -a -h")
    assert told["submissions"] == {"waiting": 0, "claimed": 0, "unclear": 0}
    assert api.get("/api/v1/clusters/999/polls").status_code == 404


# --- the switch


def test_polling_is_paused_and_resumed_once_each_with_a_trail(staff, cluster):
    for fields, paused, verb in (({}, True, "pause"), ({"resume": "1"}, False, "resume")):
        for _ in range(2):
            answer = staff.post("/clusters/lab/polling", fields, follow=True)
            assert answer.redirect_chain[-1][0] == "/clusters/lab/polls"
        assert Cluster.objects.get().polling_paused is paused
        assert AuditEntry.objects.filter(verb=verb, kind="cluster").count() == 1


def test_staff_without_the_permission_look_and_do_not_touch(client, people, cluster):
    people.rita.is_staff = True
    people.rita.save()
    client.force_login(people.rita)
    assert "Pause polling" not in client.get("/clusters/lab/polls").text
    assert client.post("/clusters/lab/polling").status_code == 403
    people.rita.user_permissions.add(Permission.objects.get(codename="change_cluster"))
    assert "Pause polling" in client.get("/clusters/lab/polls").text
    assert client.post("/clusters/lab/polling").status_code == 302


def test_only_staff_are_led_there(client, people, staff, cluster):
    assert "/clusters/lab/polls" in staff.get("/clusters/lab").text
    client.force_login(people.alice)
    assert "/clusters/lab/polls" not in client.get("/clusters/lab").text
