"""``manage.py forecast`` as a new user would type it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.planner.recorded import CAPTURE
from tracker.slurm.capture import read_capture, save_outputs

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


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded cluster with little of its queue and of its past."""
    return capture_of(tmp_path_factory.mktemp("small") / "capture", squeue=100, sacct=15)


def capture_of(folder: Path, **rows: int) -> Path:
    """The first so many rows of what a command told; without any there is no such command."""
    recorded = read_capture(CAPTURE)
    outputs = dict(recorded.transport.outputs)
    for name, count in rows.items():
        lines = outputs[name].stdout.splitlines(keepends=True)
        outputs[name] = replace(outputs[name], stdout="".join(lines[:count]))
        if not count:
            del outputs[name]
    save_outputs(folder, recorded.manifest, outputs)
    return folder


def test_a_capture_needs_no_database(tmp_path: Path, small: Path) -> None:
    ended = run(tmp_path, "--capture", str(small), "--json", "--seed", "3", "--replicas", "5")
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert told["replicas"] == 5
    assert any(
        job["p50_s"] is not None and job["p10_s"] < job["p90_s"] <= job["finish"]["p90_s"]
        for job in told["jobs"]
    )
    assert not (tmp_path / "queuecast.sqlite3").exists()


def test_people_get_a_table_with_the_first_start_on_top(tmp_path: Path, small: Path) -> None:
    ended = run(tmp_path, "--capture", str(small), "--replicas", "4")
    assert ended.returncode == 0
    head, _, columns, first, *_ = ended.stdout.splitlines()
    assert re.match(r"\d+ waiting jobs at 2026-11-23 12:30:13 UTC", head)
    assert head.endswith("looking 24 h ahead; 4 simulated futures")
    assert columns.split() == ["JOB", "USER", "PARTITION", "NEEDS", "P10", "P50", "P90", "WHY"]
    assert first.split()[-1].endswith(".")
    assert "+0m" in first


def test_without_accounting_the_table_says_that_it_is_a_plan(tmp_path: Path) -> None:
    folder = capture_of(tmp_path / "capture", squeue=100, sacct=0)
    ended = run(tmp_path, "--capture", str(folder))
    assert ended.returncode == 0
    head, _, _, first, *_ = ended.stdout.splitlines()
    assert "no past is known" in head
    assert re.search(r" - +\+0m\d\ds +-  ", first)


def test_the_comparison_is_a_table_and_a_summary(tmp_path: Path) -> None:
    ended = run(tmp_path, "--capture", str(CAPTURE), "--compare")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert len([line for line in lines if line.startswith("|")]) == 206
    assert lines[-1].startswith("204 rows, 121 with a start from both: 100%")


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, small: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = run(tmp_path, "--capture", str(small), "--replicas", "2", stdout=writing)
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
