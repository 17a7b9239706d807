"""``manage.py replay_captures``: saved captures brought in, and their forecasts asked for."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from planner.models import Forecast
from planner.record import replay
from tests.factories import NOW, make_cluster
from tests.planner.plan_world import CAPTURE
from tracker.ingest import record_queue
from tracker.models import Cluster, Poll
from tracker.slurm.squeue import parse_squeue

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    """Called as the captured one calls itself."""
    return make_cluster("lab")


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A second capture: the same, and two days later."""
    folder = Path(shutil.copytree(CAPTURE, tmp_path / "later"))
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2026-11-23T", "2026-11-25T"))
    return folder


def bring_in(*words: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("replay_captures", *map(str, words), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_each_capture_is_stored_and_its_replay_asked_for(cluster: Cluster, later: Path) -> None:
    record_queue(cluster, parse_squeue((CAPTURE / "squeue.txt").read_text()), NOW)
    out, err = bring_in(CAPTURE, later, "--json")
    told = json.loads(out)
    assert told == {
        "cluster": "lab", "captures": 2, "new_polls": 22, "replays_asked": 2,
        "waiting_jobs": 204, "waiting_jobs_unknown": 0, "replays_done": 0, "replays": 2,
    }  # fmt: skip
    assert f"2 of 2: {later}, 11 new polls" in err
    days = {row.as_of.day for row in Forecast.objects.filter(cluster=cluster)}
    assert days == {23, 25}


def test_a_repeated_capture_changes_nothing(cluster: Cluster) -> None:
    bring_in(CAPTURE)
    out, _ = bring_in(CAPTURE)
    assert "0 polls stored, 0 forecasts asked for (0 of 1 done)" in out
    assert (Poll.objects.count(), Forecast.objects.count()) == (11, 1)


def test_jobs_that_are_not_known_here_are_counted_and_the_cure_is_named(cluster: Cluster) -> None:
    out, err = bring_in(CAPTURE)
    assert "204 jobs waited in them, 204 of these not known here" in out
    assert "import_sacct" in err


def test_a_broken_folder_is_named_and_leaves_nothing_behind(
    cluster: Cluster, later: Path, tmp_path: Path
) -> None:
    (later / "squeue.txt").write_text("no row at all\n")
    for folder, why in ((later, "no row at all"), (tmp_path / "nowhere", "manifest.json")):
        with pytest.raises(CommandError, match=why) as refused:
            bring_in(folder)
        assert str(folder) in str(refused.value)
    assert not Poll.objects.exists()
    assert not Forecast.objects.exists()


def test_a_capture_of_another_cluster_is_refused_unless_it_is_said_to_be_the_same() -> None:
    cluster = make_cluster("lab-main")
    with pytest.raises(CommandError, match=r"capture of 'lab'.*--cluster lab-main"):
        bring_in(CAPTURE)
    bring_in(CAPTURE, "--cluster", "lab-main")
    assert replay.progress(cluster) == (0, 1)
