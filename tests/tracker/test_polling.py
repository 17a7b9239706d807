"""Polls of a cluster whose commands are small executables."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import make_cluster
from tests.tracker.fake_slurm import CAPTURE, FakeSlurm
from tracker import polling
from tracker.models import Cluster, Job, Poll, PollClaim
from tracker.polling import pacing
from tracker.slurm.client import parse
from tracker.slurm.commands import COMMANDS
from tracker.slurm.records import Diagnostics

pytestmark = pytest.mark.django_db
INTERVAL = timedelta(seconds=30)


@pytest.fixture
def slurm(tmp_path: Path) -> FakeSlurm:
    return FakeSlurm(tmp_path)


@pytest.fixture
def cluster(slurm: FakeSlurm) -> Cluster:
    return make_cluster(location=str(slurm.folder))


def earlier(cluster: Cluster, command: str, ago: timedelta, **fields: object) -> Poll:
    fields = {"ok": True, "seconds": 0.1, "raw": b""} | fields
    return Poll.objects.create(
        cluster=cluster, command=command, started_at=timezone.now() - ago, **fields
    )


def test_a_poll_of_everything_keeps_what_each_command_printed(
    cluster: Cluster, slurm: FakeSlurm
) -> None:
    polls = polling.poll_everything(cluster)
    assert [poll.error for poll in polls if not poll.ok] == []
    outputs = polling.newest_outputs(cluster)
    assert outputs.keys() == COMMANDS.keys() - {"sinfo", "sacct"}
    assert outputs["squeue"].stdout == (slurm.folder / "squeue.out").read_text()
    assert len(parse(outputs["squeue"])) == Job.objects.filter(in_queue=True).count() + len(
        [job for job in parse(outputs["squeue"]) if job.state not in ("PENDING", "RUNNING")]
    )


def test_a_refused_command_is_a_row_and_the_last_good_answer_stays(
    cluster: Cluster, slurm: FakeSlurm
) -> None:
    good = polling.ask(cluster, "squeue")
    slurm.fails("squeue", "slurm_load_jobs error: Unable to contact slurm controller")
    failed = polling.ask(cluster, "squeue")
    assert failed is not None and not failed.ok
    assert failed.rc == 1
    assert failed.error.startswith("SlurmUnavailable") and "Unable to contact" in failed.error
    assert polling.newest_outputs(cluster)["squeue"].started_at == good.started_at
    assert Job.objects.filter(in_queue=True).exists()


def test_text_that_cannot_be_read_is_kept_with_the_line_that_was_wrong(
    cluster: Cluster, slurm: FakeSlurm
) -> None:
    slurm.says("squeue", "no row at all\n")
    row = polling.ask(cluster, "squeue")
    assert row is not None and not row.ok
    assert row.error.startswith("ParseError") and "no row at all" in row.error
    assert row.text == "no row at all\n"


def test_a_command_that_is_not_there_is_a_row_too(tmp_path: Path) -> None:
    row = polling.ask(make_cluster(location=str(tmp_path / "nowhere")), "squeue")
    assert row is not None
    assert (row.ok, row.rc) == (False, None)
    assert "squeue cannot be started" in row.error


def test_a_capture_is_recorded_once_with_its_own_time() -> None:
    cluster = make_cluster(transport="capture", location=str(CAPTURE))
    polling.poll_everything(cluster)
    count = Poll.objects.count()
    polling.poll_everything(cluster)
    assert Poll.objects.count() == count
    taken = polling.newest_outputs(cluster)["squeue"].started_at
    assert taken.isoformat() == "2026-11-23T12:30:13+00:00"


def test_sacct_reaches_back_into_the_last_good_window(cluster: Cluster, slurm: FakeSlurm) -> None:
    window = ["sacct", "-S", "2026-11-23T12:00:00"]
    good = earlier(cluster, "sacct", timedelta(hours=2), argv=window)
    earlier(cluster, "sacct", timedelta(hours=1), argv=["sacct", "-j", "7"])
    earlier(cluster, "sacct", timedelta(minutes=50), argv=window, ok=False)
    polling.poll(cluster, "accounting", force=True)
    since = (good.started_at - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%S")
    asked = [call for call in slurm.calls if call.startswith("sacct ")]
    assert f"-S {since} -E now" in asked[0]


def test_jobs_gone_from_the_queue_without_an_end_are_asked_for_by_id(
    cluster: Cluster, slurm: FakeSlurm
) -> None:
    polling.ask(cluster, "squeue")
    gone = set(Job.objects.filter(in_queue=True).values_list("job_id", flat=True))
    slurm.says("squeue", "")
    slurm.says("sacct", "")
    polling.ask(cluster, "squeue")
    polling.poll(cluster, "accounting", force=True)
    asked = [call.split(" -j ")[1] for call in slurm.calls if " -j " in call]
    ids = [[int(word) for word in text.split(",")] for text in asked]
    assert set().union(*ids) >= gone
    assert max(len(some) for some in ids) <= 200


@pytest.mark.parametrize(
    ("failed_s_ago", "due"),
    [
        ([], True),
        ([20], False),
        ([31], True),
        ([40, 70, 100], False),  # every other poll of a short outage
        ([58, 90, 120], True),
        ([100, 650], False),  # and rarely of a long one
        ([601, 1250], True),
    ],
)
def test_a_cluster_that_does_not_answer_is_left_alone_for_longer_and_longer(
    cluster: Cluster, failed_s_ago: list[int], due: bool
) -> None:
    earlier(cluster, "squeue", timedelta(hours=1))
    for seconds in failed_s_ago:
        earlier(cluster, "squeue", timedelta(seconds=seconds), ok=False)
    assert pacing.is_due(cluster, "squeue", INTERVAL, timezone.now()) is due


def test_a_claim_ends_with_the_process_that_held_it(cluster: Cluster) -> None:
    child = subprocess.Popen(["/bin/sleep", "60"])
    with pacing.claim(cluster, "squeue"):
        # as if the child had claimed it
        PollClaim.objects.update(holder=pacing._holder(child.pid))
    PollClaim.objects.update(until=timezone.now() + timedelta(minutes=2))
    with pacing.claim(cluster, "squeue") as is_ours:
        assert not is_ours
    child.kill()
    child.wait()
    with pacing.claim(cluster, "squeue") as is_ours:
        assert is_ours


def test_a_busy_controller_is_asked_at_half_the_pace(cluster: Cluster) -> None:
    note = pacing.load_note(Diagnostics(server_threads=200, agent_queue_size=3))
    earlier(cluster, "sdiag", timedelta(seconds=40), error=note)
    now = timezone.now()
    newest = earlier(cluster, "squeue", timedelta(seconds=30))
    assert not pacing.is_due(cluster, "squeue", INTERVAL, now)
    assert pacing.is_due(cluster, "sdiag", INTERVAL, now)
    Poll.objects.filter(pk=newest.pk).update(started_at=now - timedelta(seconds=60))
    assert pacing.is_due(cluster, "squeue", INTERVAL, now)


def test_an_idle_controller_leaves_no_note() -> None:
    assert pacing.load_note(Diagnostics(server_threads=3, agent_queue_size=0)) == ""


def test_two_workers_do_not_ask_the_same_at_once(cluster: Cluster, slurm: FakeSlurm) -> None:
    with pacing.claim(cluster, "squeue") as ours:
        assert ours
        assert polling.ask(cluster, "squeue") is None
        assert polling.ask(cluster, "nodes") is not None
    assert polling.ask(cluster, "squeue") is not None


def test_the_claim_of_a_dead_worker_ends_by_itself(cluster: Cluster) -> None:
    now = timezone.now()
    PollClaim.objects.create(cluster=cluster, command="squeue", until=now + timedelta(minutes=2))
    assert polling.ask(cluster, "squeue") is None
    PollClaim.objects.update(until=now - timedelta(seconds=1))
    assert polling.ask(cluster, "squeue") is not None


def test_pruning_keeps_the_newest_good_poll_of_each_command(cluster: Cluster) -> None:
    kept = [
        earlier(cluster, "squeue", timedelta(days=20)),
        earlier(cluster, "sacct", timedelta(days=21), argv=["sacct", "-S", "x"]),
        earlier(cluster, "squeue", timedelta(days=1), ok=False),
    ]
    earlier(cluster, "squeue", timedelta(days=30))
    earlier(cluster, "squeue", timedelta(days=19), ok=False)
    earlier(cluster, "sacct", timedelta(days=20), argv=["sacct", "-j", "7"])
    assert polling.prune(timezone.now() - timedelta(days=14)) == 3
    assert set(Poll.objects.all()) == set(kept)
