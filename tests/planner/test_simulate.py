"""``manage.py simulate``: what it answers, what it writes, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from planner.management.commands import simulate

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    "jobs", "wall_s", "cpu_s", "total_s", "jobs_per_s", "events", "mean_wait_s", "median_wait_s",
    "p95_wait_s", "mean_bounded_slowdown", "utilisation", "peak_rss_mib",
}  # fmt: skip
# Job 70 has no requested time, 71 ran over its own, 72 never ran, 73 is too large.
LOG = """\
; MaxProcs: 10
7 1000 -1 100 6 -1 -1 -1 100 -1 1 1 1 -1 -1 -1 -1 -1
8 1001 -1 100 8 -1 -1 8 100 -1 1 1 1 -1 -1 -1 -1 -1
70 1002 -1 50 -1 -1 -1 4 -1 -1 1 1 1 -1 -1 -1 -1 -1
71 1500 -1 70 2 -1 -1 2 60 -1 1 1 1 -1 -1 -1 -1 -1
72 1501 -1 0 2 -1 -1 2 60 -1 0 1 1 -1 -1 -1 -1 -1
73 1502 -1 5 11 -1 -1 11 60 -1 1 1 1 -1 -1 -1 -1 -1
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.swf"
    path.write_text(LOG)
    return path


def told(*arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command("simulate", *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def starts(log: Path, *arguments: str) -> str:
    path = log.parent / "starts.csv"
    told(str(log), "--starts", str(path), *arguments)
    return path.read_text()


def test_programs_get_the_figures(log: Path) -> None:
    answer = told(str(log))
    assert set(answer) >= KEYS
    assert (answer["policy"], answer["processors"], answer["jobs"]) == ("easy", 10, 4)
    # Waits 0, 99, 0, 0 of run times 100, 100, 50, 60: the wide job ends at 1200.
    assert answer["mean_wait_s"] == 24.75
    assert answer["median_wait_s"] == 0
    assert answer["mean_bounded_slowdown"] == round((1 + 1.99 + 1 + 1) / 4, 4)
    assert answer["utilisation"] == round((600 + 800 + 200 + 120) / (10 * 560), 6)
    assert answer["notes"] == [
        "jobs dropped, run time 0 or not known: 1",
        "jobs dropped, larger than the machine's 10 processors: 1",
        "jobs without a requested time, their run time in its place: 1",
        "jobs that ran longer than their limit, cut to it: 1",
    ]


def test_people_get_the_same_figures(log: Path) -> None:
    out = StringIO()
    call_command("simulate", str(log), stdout=out)
    rows = dict(line.split(maxsplit=1) for line in out.getvalue().splitlines())
    assert set(rows) >= KEYS
    assert rows["mean_wait_s"] == "24.75"


@pytest.mark.parametrize(
    ("policy", "start_s"),
    [
        ("fcfs", (1000, 1100, 1200, 1500)),
        ("easy", (1000, 1100, 1002, 1500)),
        ("conservative", (1000, 1100, 1002, 1500)),
    ],
)
def test_starts_keep_the_ids_the_unit_and_the_origin_of_the_log(
    log: Path, policy: str, start_s: tuple[int, ...]
) -> None:
    rows = [f"{job},{at}\n" for job, at in zip((7, 8, 70, 71), start_s, strict=True)]
    assert starts(log, "--policy", policy) == "job_id,start_s\n" + "".join(rows)


def test_times_that_are_no_whole_seconds_stay_as_they_are(log: Path) -> None:
    log.write_text(LOG.replace("7 1000 ", "7 999.25 "))
    assert starts(log).splitlines()[1:3] == ["7,999.25", "8,1099.25"]


def test_the_machine_may_be_of_another_size(log: Path) -> None:
    assert told(str(log), "--processors", "14")["jobs"] == 5
    assert starts(log, "--processors", "14").splitlines()[2] == "8,1001"


def test_the_first_jobs_are_those_submitted_first(log: Path) -> None:
    header, first, *rest = LOG.splitlines()
    log.write_text("\n".join([header, *rest, first]))
    assert starts(log, "--first", "2") == "job_id,start_s\n7,1000\n8,1100\n"


def test_a_log_of_accounting_is_simulated_too(tmp_path: Path) -> None:
    path = tmp_path / "jobs.txt"
    fields = (
        "JobID|JobIDRaw|State|User|Account|Partition|Submit|Start|End|Timelimit|ReqCPUS|ReqTRES"
        "|NodeList"
    )
    rows = [
        "5|5|COMPLETED|ada|lab|cpu|1700000000|1700000900|1700001500|20|8|cpu=8|n1",
        "6|6|FAILED|bob|lab|cpu|1700000060|1700000061|1700000361|10|4|cpu=4|n2",
        "7|7|RUNNING|ada|lab|cpu|1700000070|1700000071|Unknown|10|4|cpu=4|n2",
    ]
    path.write_text("\n".join([fields, *rows]) + "\n")
    assert starts(path, "--processors", "8") == "job_id,start_s\n5,1700000000\n6,1700000600\n"
    answer = told(str(path), "--processors", "8")
    assert "jobs left out, as they never ran or ran still: 1" in answer["notes"]
    with pytest.raises(CommandError, match="give --processors N"):
        told(str(path))


def test_nothing_is_needed_but_the_log(log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    done = subprocess.run(
        [sys.executable, "manage.py", "simulate", str(log), "--json"],
        cwd=ROOT,
        env=os.environ | {"QUEUECAST_DATA_DIR": str(empty)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["jobs"] == 4
    assert done.stderr == ""
    assert not list(empty.glob("*.sqlite3"))


@pytest.mark.parametrize(
    "arguments",
    [["--policy", "lottery"], ["--processors", "0"], ["--first", "none"], ["--seed", "-1"]],
)
def test_a_value_that_means_nothing_is_refused(log: Path, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=f"argument {arguments[0]}: "):
        call_command("simulate", str(log), *arguments)


def test_wrong_usage_ends_with_2(log: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "simulate", str(log), "--policy", "lottery"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'fcfs', 'easy', 'conservative'" in done.stderr


@pytest.mark.parametrize(
    ("text", "problem", "code"),
    [
        (LOG.replace("; MaxProcs: 10\n", ""), "give --processors N", 2),
        (LOG.replace("7 1000 ", "7 soon "), "line 2: the submit time is 'soon'", 1),
        (LOG.replace("7 1000 ", "7 nan "), "line 2: the submit time is 'nan'", 1),
        (LOG.replace("7 1000 ", "7.5 1000 "), "a job number is 7.5; give a whole number", 1),
        (LOG.replace("8 1001 ", "8 "), "line 3: 17 fields", 1),
        ("; MaxProcs: 10\n", "no job is left to look at", 1),
        ("", "begins no trace", 1),
    ],
)
def test_a_log_that_cannot_be_simulated_is_told_of(
    log: Path, text: str, problem: str, code: int
) -> None:
    log.write_text(text)
    with pytest.raises(CommandError, match=problem) as refused:
        call_command("simulate", str(log))
    assert refused.value.returncode == code


@pytest.mark.parametrize("option", ["--starts", "--report"])
def test_an_output_that_cannot_be_written_is_named(log: Path, option: str) -> None:
    with pytest.raises(CommandError, match="there is no folder nowhere to write"):
        call_command("simulate", str(log), option, "nowhere/out")
    with pytest.raises(CommandError, match=f"{log.parent} cannot be written"):
        call_command("simulate", str(log), option, str(log.parent))


def test_work_that_takes_long_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "PROGRESS_EVERY_S", 0.001)
    has_told = threading.Event()

    class Watched(StringIO):
        def write(self, text: str) -> int:
            has_told.set()
            return super().write(text)

    errors = Watched()
    command = simulate.Command(stderr=errors)
    with command.progress(True, lambda: "reading log.swf"):
        assert has_told.wait(10)
    assert errors.getvalue().startswith("reading log.swf, 0 s\n")
    length = len(errors.getvalue())
    with command.progress(False, lambda: "more"):
        pass
    assert len(errors.getvalue()) == length


@pytest.mark.parametrize(
    ("policy", "schedule", "mean_wait_s", "median_wait_s"),
    [
        ("fcfs", "KTH-SP2.fcfs.pyss.csv.gz", 354_002, 409_362),
        ("easy", "KTH-SP2.easy.ownref-batch.csv.gz", 6_888, 0),
    ],
)
def test_a_real_log_is_scheduled_as_the_references_say(
    tmp_path: Path, policy: str, schedule: str, mean_wait_s: float, median_wait_s: float
) -> None:
    folder = os.environ.get("QUEUECAST_TRACES")
    if not folder:
        pytest.skip("QUEUECAST_TRACES names no folder of traces")
    log = Path(folder) / "KTH-SP2-1996-2.swf.gz"
    reference = Path(folder).resolve().parent / "golden" / schedule
    if not log.exists() or not reference.exists():
        pytest.skip(f"no {log.name} with its reference schedule {schedule}")
    out = tmp_path / "starts.csv"
    answer = told(str(log), "--policy", policy, "--starts", str(out))
    assert round(answer["mean_wait_s"]) == mean_wait_s
    assert answer["median_wait_s"] == median_wait_s
    with gzip.open(reference, "rt", newline="") as lines:
        expected = {row["id"]: float(row["start"]) for row in csv.DictReader(lines)}
    with out.open(newline="") as lines:
        found = {row["job_id"]: float(row["start_s"]) for row in csv.DictReader(lines)}
    shift_s = min(found.values()) - min(expected.values())
    assert {job: start_s - shift_s for job, start_s in found.items()} == expected
