"""Stored polls as of a past time, and saved captures stored as polls."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.factories import NOW, make_cluster, make_job
from tests.tracker.fake_slurm import CAPTURE
from tracker import polling
from tracker.models import Cluster, Job, Poll
from tracker.slurm.errors import SlurmError
from tracker.slurm.transports import Output

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A capture that a test may damage."""
    return Path(shutil.copytree(CAPTURE, tmp_path / "capture"))


def answered(
    cluster: Cluster, command: str, at: datetime, *, seconds: float = 0.0, ok: bool = True
) -> Poll:
    raw = Poll.compress(f"{command} at {at}")
    return Poll.objects.create(
        cluster=cluster, command=command, started_at=at, seconds=seconds, ok=ok, rc=0, raw=raw
    )


def said(outputs: dict[str, Output]) -> dict[str, datetime]:
    return {name: output.started_at for name, output in outputs.items()}


def test_of_each_command_the_newest_good_answer_before_that_time_is_known(
    cluster: Cluster,
) -> None:
    minutes = [NOW + timedelta(minutes=count) for count in range(5)]
    answered(cluster, "squeue", minutes[0])
    answered(cluster, "squeue", minutes[1])
    answered(cluster, "squeue", minutes[2], ok=False)
    answered(cluster, "squeue", minutes[4])
    answered(cluster, "nodes", minutes[0])
    answered(make_cluster("other"), "nodes", minutes[2])
    known = polling.outputs_as_of(cluster, minutes[3])
    assert said(known) == {"squeue": minutes[1], "nodes": minutes[0]}
    assert known["squeue"].stdout == f"squeue at {minutes[1]}"


def test_an_answer_that_was_still_being_printed_was_not_known(cluster: Cluster) -> None:
    first = answered(cluster, "squeue", NOW)
    slow = answered(cluster, "squeue", NOW + 10 * SECOND, seconds=5.5)
    complete_at = slow.started_at + 5.5 * SECOND
    before = polling.outputs_as_of(cluster, complete_at - timedelta(milliseconds=1))
    assert said(before) == {"squeue": first.started_at}
    assert said(polling.outputs_as_of(cluster, complete_at)) == {"squeue": slow.started_at}


def test_before_the_first_poll_nothing_was_known(cluster: Cluster) -> None:
    answered(cluster, "squeue", NOW)
    assert polling.outputs_as_of(cluster, NOW - SECOND) == {}


def test_a_capture_becomes_polls_of_its_own_time_and_no_job(cluster: Cluster) -> None:
    job = make_job(cluster, 828, state="RUNNING")
    stored = polling.store_capture(cluster, CAPTURE)
    assert stored.new_polls == Poll.objects.count() == 11
    assert set(Poll.objects.values_list("ok", flat=True)) == {True}
    assert list(Job.objects.values_list("job_id", "state")) == [(job.job_id, "RUNNING")]
    known = polling.outputs_as_of(cluster, stored.known_at)
    assert known["squeue"].started_at.isoformat() == "2026-11-23T12:30:13+00:00"
    assert known["squeue"].stdout == (CAPTURE / "squeue.txt").read_text()
    assert {"nodes", "partitions", "config", "sshare", "sprio", "qos", "assoc"} <= known.keys()
    assert len(stored.waiting_ids) == 204
    assert polling.outputs_as_of(cluster, stored.known_at - timedelta(minutes=5)) == {}


def test_a_capture_is_stored_once(cluster: Cluster) -> None:
    first = polling.store_capture(cluster, CAPTURE)
    again = polling.store_capture(cluster, CAPTURE)
    assert (again.new_polls, again.known_at) == (0, first.known_at)
    assert polling.store_capture(make_cluster("other"), CAPTURE).new_polls == first.new_polls


def test_the_sacct_of_a_capture_does_not_pass_for_one_that_was_recorded(cluster: Cluster) -> None:
    polling.store_capture(cluster, CAPTURE)
    assert not Poll.objects.filter(command="sacct").exists()


def test_what_cannot_be_read_in_a_capture_is_a_failed_poll(cluster: Cluster, folder: Path) -> None:
    (folder / "nodes.txt").write_text("no node at all\n")
    stored = polling.store_capture(cluster, folder)
    failed = Poll.objects.get(ok=False)
    assert (failed.command, failed.error[:10]) == ("nodes", "ParseError")
    assert "nodes" not in polling.outputs_as_of(cluster, stored.known_at)


def test_a_capture_without_a_queue_is_refused_and_leaves_nothing(
    cluster: Cluster, folder: Path
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["commands"] = [one for one in manifest["commands"] if one["name"] != "squeue"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SlurmError, match="no output of squeue"):
        polling.store_capture(cluster, folder)
    assert not Poll.objects.exists()


def test_held_polls_outlive_their_days_until_the_hold_ends(cluster: Cluster) -> None:
    other, now = make_cluster("other"), timezone.now()
    for one in (cluster, other):
        answered(one, "squeue", now - timedelta(days=30))
        answered(one, "squeue", now - timedelta(minutes=1))
    before = now - timedelta(days=14)
    polling.hold(cluster, now + timedelta(hours=1))
    assert polling.prune(before) == 1
    assert Poll.objects.filter(cluster=cluster).count() == 2
    polling.hold(cluster, now - SECOND)
    assert polling.prune(before) == 1
    assert Poll.objects.filter(cluster=cluster).count() == 1
