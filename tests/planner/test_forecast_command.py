"""``manage.py forecast`` as a new user would type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.planner.recorded import CAPTURE

ROOT = Path(__file__).parents[2]


def run(
    folder: Path, *arguments: str, stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "QUEUECAST_DATA_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "manage.py", "forecast", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_capture_needs_no_database(tmp_path: Path) -> None:
    ended = run(tmp_path, "--capture", str(CAPTURE), "--json", "--seed", "3", "--replicas", "2")
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads(ended.stdout)
    assert {"1072_1", "996", "794"} <= {job["job_id"] for job in told["jobs"]}
    assert not (tmp_path / "queuecast.sqlite3").exists()


def test_people_get_a_table_with_the_first_start_on_top(tmp_path: Path) -> None:
    ended = run(tmp_path, "--capture", str(CAPTURE))
    assert ended.returncode == 0
    head, _, columns, first, *_ = ended.stdout.splitlines()
    assert head.startswith("221 waiting jobs at 2026-11-23 12:30:13 UTC")
    assert columns.split() == ["JOB", "USER", "PARTITION", "NEEDS", "START", "WHY"]
    assert first.split()[:6] == ["1203", "alice", "debug", "4", "cpu", "+0m00s"]


def test_the_comparison_is_a_table_and_a_summary(tmp_path: Path) -> None:
    ended = run(tmp_path, "--capture", str(CAPTURE), "--compare")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert len([line for line in lines if line.startswith("|")]) == 206
    assert lines[-1].startswith("204 rows, 121 with a start from both: 100%")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = run(tmp_path, "--capture", str(CAPTURE), stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_folder_that_is_no_capture_fails_with_the_cure(tmp_path: Path) -> None:
    ended = run(tmp_path, "--capture", str(tmp_path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "manage.py capture" in ended.stderr


def test_without_a_database_or_a_capture_it_fails_with_the_cure(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "--capture DIR" in ended.stderr


def test_wrong_usage_is_told_apart(tmp_path: Path) -> None:
    ended = run(tmp_path, "--replicas", "none")
    assert ended.returncode == 2
    assert "'none' is not a count" in ended.stderr
