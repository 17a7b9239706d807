"""Command lines as their users meet them: what is printed, and the exit code."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_cluster
from tests.tracker.fake_slurm import CAPTURE, FakeSlurm
from tracker.models import Job, Poll

pytestmark = pytest.mark.django_db
RECORDED = Path(__file__).resolve().parents[1] / "data/slurm/22.05/sacct_jobs.psv.gz"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_poll_tells_every_command_as_json(tmp_path: Path) -> None:
    make_cluster(location=str(FakeSlurm(tmp_path).folder))
    told = json.loads(run("poll", "--json"))
    assert len(told) == Poll.objects.count() == 11
    squeue = next(row for row in told if row["command"] == "squeue")
    assert (squeue["cluster"], squeue["ok"], squeue["rc"], squeue["error"]) == ("lab", True, 0, "")


def test_poll_fails_when_a_command_fails_and_still_asks_the_rest(tmp_path: Path) -> None:
    slurm = FakeSlurm(tmp_path)
    slurm.fails("sshare", "sshare: error: Access denied")
    make_cluster(location=str(slurm.folder))
    with pytest.raises(CommandError, match="1 of 11 commands failed") as caught:
        run("poll")
    assert caught.value.returncode == 1
    assert Poll.objects.filter(ok=True).count() == 10


def test_poll_without_a_cluster_says_how_to_get_one() -> None:
    with pytest.raises(CommandError, match="add one in the admin"):
        run("poll")
    with pytest.raises(CommandError, match='no cluster "lab" to poll'):
        run("poll", "--cluster", "lab")


def test_import_sacct_counts_what_came_in() -> None:
    make_cluster()
    assert "1036 jobs new, 0 changed, 3 rows unreadable" in run("import_sacct", str(RECORDED))
    again = run("import_sacct", str(RECORDED), "--again")
    assert "0 jobs new, 0 changed, 3 rows unreadable" in again
    assert Job.objects.count() == 1036


def test_import_sacct_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    make_cluster()
    text = "JobID|JobIDRaw|State|Submit|End\n7|7|COMPLETED|1795431600|1795431720\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run("import_sacct", "-").startswith("1 attempts read: 1 jobs new")


def test_import_sacct_asks_which_of_several_clusters() -> None:
    make_cluster("lab")
    make_cluster("other")
    with pytest.raises(CommandError, match="give --cluster with one of: lab, other"):
        run("import_sacct", str(RECORDED))
    with pytest.raises(CommandError, match='no cluster "x"; known: lab, other'):
        run("import_sacct", str(RECORDED), "--cluster", "x")
    run("import_sacct", str(RECORDED), "--cluster", "other")
    assert set(Job.objects.values_list("cluster__name", flat=True)) == {"other"}


@pytest.mark.parametrize("content", [b"", b"Name|Priority\n", b"\x1f\x8b\x08broken"])
def test_import_sacct_refuses_what_is_no_history(tmp_path: Path, content: bytes) -> None:
    make_cluster()
    file = tmp_path / ("history.gz" if content.startswith(b"\x1f\x8b") else "history.psv")
    file.write_bytes(content)
    with pytest.raises(CommandError, match=r"lacks JobID|cannot be read"):
        run("import_sacct", str(file))


def test_a_file_of_unreadable_rows_only_is_a_failure(tmp_path: Path) -> None:
    make_cluster()
    file = tmp_path / "history.psv"
    file.write_text("JobID|JobIDRaw|State|Submit|End\n" + "7|x|COMPLETED|1795431600|Unknown\n" * 3)
    with pytest.raises(CommandError, match="holds no row that sacct prints"):
        run("import_sacct", str(file))


def test_a_capture_holds_what_the_poller_asks_and_is_not_overwritten(tmp_path: Path) -> None:
    make_cluster(transport="capture", location=str(CAPTURE))
    folder = tmp_path / "site"
    assert "lab, Slurm 22.05.8" in run("capture", str(folder), "--history-days", "1")
    kept = json.loads((folder / "manifest.json").read_text())
    assert {command["name"] for command in kept["commands"]} >= {"squeue", "sacct", "nodes"}
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError, match="already holds a capture"):
        run("capture", str(folder))


def test_a_capture_needs_no_service_only_slurm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = FakeSlurm(tmp_path)
    monkeypatch.setenv("PATH", str(slurm.folder))
    run("capture", str(tmp_path / "site"), "--history-days", "2.5")
    assert any(call.startswith("sacct ") and " -S " in call for call in slurm.calls)


def test_wrong_usage_has_its_own_exit_code(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        run("capture", str(tmp_path / "site"), "--history-days", "-1")
    assert caught.value.returncode == 2
