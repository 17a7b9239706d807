"""``manage.py backtest``: what it answers, to people and to programs, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from planner.backtest.methods import NAMES
from planner.record.history import read_history
from planner.traces.cleaning import TraceError
from planner.traces.jobs import Trace
from tests.factories import NOW, make_cluster, make_job
from tests.planner.trace_world import random_trace

LAYERS = [
    "ensemble",
    "ensemble_calibrated",
    "learner",
    "learner_calibrated",
    "hybrid",
    "hybrid_calibrated",
    "chosen",
]
ROOT = Path(__file__).resolve().parents[2]


def as_swf(trace: Trace) -> str:
    lines = ["; MaxProcs: 16"]
    for number, job in enumerate(trace.jobs, start=1):
        asked, told = job.asked, (job.wait_s, job.run_s)
        wait, run = (-1 if each is None else int(each) for each in told)
        lines.append(
            f"{number} {asked.submit_s:.0f} {wait} {run} {asked.procs} -1 -1 {asked.procs}"
            f" {asked.limit_s:.0f} -1 1 {len(asked.user)} 1 -1 -1 {len(asked.partition)} -1 -1"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.swf"
    path.write_text(as_swf(random_trace(np.random.default_rng(11), 200)))
    return path


def told(*arguments: str) -> dict[str, object]:
    out = StringIO()
    call_command("backtest", *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_programs_get_every_method_and_what_it_rests_on(log: Path) -> None:
    answer = told(str(log), "--max-forecasts", "60", "--processes", "1")
    assert set(answer) == {
        "trace", "notes", "targets", "seconds", "shipped", "methods", "layers",
    }  # fmt: skip
    assert set(answer["methods"]) == set(NAMES)
    assert answer["shipped"] == answer["methods"]["shipped"] == answer["layers"]["chosen"]
    assert answer["methods"]["gbt_state"] == answer["layers"]["learner"]
    assert list(answer["layers"]) == LAYERS
    assert set(answer["layers"]["ensemble"]) == set(answer["shipped"])
    assert answer["targets"]["asked"] == 60
    of_all = {name: figures["all"]["n"] for name, figures in answer["methods"].items()}
    assert set(of_all.values()) == {answer["targets"]["answered_by_all"]}
    assert answer["trace"]["processors"] == 16


def test_sizes_of_partitions_that_are_inferred_are_said_to_be(log: Path) -> None:
    one_of_known_size = told(
        str(log), "--max-forecasts", "5", "--methods", "zero", "--processes", "1"
    )
    assert not any("sizes of its partitions" in note for note in one_of_known_size["notes"])
    log.write_text(log.read_text().replace("; MaxProcs: 16\n", ""))
    of_no_size = told(str(log), "--max-forecasts", "5", "--methods", "zero", "--processes", "1")
    assert any("sizes of its partitions (1)" in note for note in of_no_size["notes"])


def test_the_answer_does_not_depend_on_the_number_of_processes(log: Path) -> None:
    once = told(str(log), "--max-forecasts", "80", "--processes", "1", "--seed", "3")
    again = told(str(log), "--max-forecasts", "80", "--processes", "2", "--seed", "3")
    once.pop("seconds")
    again.pop("seconds")
    assert once == again


def test_people_get_tables_and_notes(log: Path) -> None:
    out = StringIO()
    call_command("backtest", str(log), "--processes", "1", "--methods", "zero,shipped", stdout=out)
    text = out.getvalue()
    assert "expected queue: an earlier job waited in the same partition" in text
    assert "shipped *" in text
    assert all(f"\n{layer} " in text for layer in LAYERS)
    assert "* what the simulation and the state of the queue have taught" in text
    assert max(len(line) for line in text.splitlines() if not line.startswith("note")) <= 100


def test_a_log_needs_neither_database_nor_migration(log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    command = [sys.executable, "manage.py", "backtest", str(log), "--json", "--methods", "zero"]
    done = subprocess.run(
        [*command, "--processes", "1", "--max-forecasts", "10"],
        cwd=ROOT,
        env=os.environ | {"QUEUECAST_DATA_DIR": str(empty)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["targets"]["asked"] == 10
    assert not list(empty.glob("*.sqlite3"))


@pytest.mark.parametrize(
    ("arguments", "problem", "code"),
    [
        ([], "give a TRACE or --history, one of them", 2),
        (["log.swf", "--history"], "give a TRACE or --history, one of them", 2),
        (["log.swf", "--cluster", "lab"], "--cluster goes with --history only", 2),
        (["nowhere.swf"], "nowhere.swf cannot be read", 1),
        (["nowhere.swf", "--methods", "gbt"], "no method is called gbt; known:", 2),
    ],
)
def test_wrong_usage_is_told_from_failure(arguments: list[str], problem: str, code: int) -> None:
    with pytest.raises(CommandError, match=problem) as refused:
        call_command("backtest", *arguments)
    assert refused.value.returncode == code


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--train-days", "x"], "'x' is no number of days"),
        (["--train-days", "0"], "'0' is no number of days"),
        (["--processors", "0"], "'0' is not a count"),
        (["--seed", "-1"], "'-1' is not a seed"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(arguments: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        call_command("backtest", "log.swf", *arguments)


def test_too_long_a_training_is_refused(log: Path) -> None:
    with pytest.raises(CommandError, match="training on 30 days has a known wait"):
        call_command("backtest", str(log), "--train-days", "30")


def attempt(cluster, job_id: int, **fields: object):
    """A job of one attempt: submitted at NOW, with what the attempt is to say."""
    of_job = {
        name: fields.pop(name)
        for name in ("in_queue", "gpus", "partition", "cpus", "limit_minutes")
        if name in fields
    }
    made = make_job(
        cluster, job_id, **({"cpus": 8, "limit_minutes": 60, "in_queue": False} | of_job)
    )
    made.attempts.update(**fields)
    return made


def after(minutes: float):
    return NOW + timedelta(minutes=minutes)


@pytest.mark.django_db
def test_the_services_own_record_is_a_trace() -> None:
    lab = make_cluster()
    attempt(lab, 1, start_at=after(5), end_at=after(15), node_list="cpu01")
    attempt(lab, 2, end_at=after(7))
    attempt(lab, 3, start_at=after(7), end_at=after(7))  # as sacct may tell of a cancelled one
    attempt(lab, 4, in_queue=True)
    attempt(lab, 5, in_queue=True, start_at=after(1), node_list="cpu01")
    attempt(lab, 6)  # left the queue, and nobody has told how
    trace = read_history(lab)
    assert [(j.asked.job_id, j.wait_s, j.run_s, j.cancelled_wait_s) for j in trace.jobs] == [
        ("1", 300.0, 600.0, None),
        ("2", None, None, 420.0),
        ("3", None, None, 420.0),
        ("4", None, None, None),
        ("5", 60.0, None, None),
    ]
    assert trace.jobs[0].asked.submit_s == NOW.timestamp()
    assert trace.jobs[0].asked.limit_s == 3600.0
    assert trace.notes == ("attempts left out, nobody has told of their end: 1",)


@pytest.mark.django_db
def test_history_counts_gpus_where_they_are_what_jobs_ask_for() -> None:
    lab = make_cluster()
    attempt(lab, 1, gpus={"a100": 2}, start_at=after(5), end_at=after(15), node_list="gpu01")
    attempt(lab, 2, partition="cpu", start_at=after(5), end_at=after(15), node_list="cpu01")
    assert [job.asked.procs for job in read_history(lab).jobs] == [2, 8]


@pytest.mark.django_db
def test_history_is_of_one_cluster_and_every_attempt_a_job() -> None:
    lab, other = make_cluster(), make_cluster("other")
    attempt(other, 1, start_at=after(5), end_at=after(15), node_list="cpu01")
    job = attempt(lab, 1, start_at=after(5), end_at=after(15), node_list="cpu01")
    again = {"submit_at": after(15), "start_at": after(20), "end_at": after(30)}
    job.attempts.create(number=1, state="COMPLETED", node_list="cpu01", **again)
    assert [job.wait_s for job in read_history(lab).jobs] == [300.0, 300.0]


@pytest.mark.django_db
def test_a_cluster_without_history_is_told_so() -> None:
    with pytest.raises(TraceError, match="history of lab: no job is left"):
        read_history(make_cluster())
    with pytest.raises(CommandError, match="history of lab: no job is left"):
        call_command("backtest", "--history")


@pytest.mark.django_db
def test_the_command_forecasts_over_the_services_own_record() -> None:
    lab = make_cluster()
    for number in range(20):
        made = attempt(
            lab, number + 1, submit_at=after(10 * number), start_at=after(10 * number + 5),
            end_at=after(10 * number + 9), node_list="cpu01",
        )  # fmt: skip
        assert made.job_id == number + 1
    answer = told("--history", "--processes", "1", "--methods", "zero")
    assert answer["targets"]["asked"] == 12
    assert answer["methods"]["zero"]["all"]["mae_s"] == 300.0
    assert answer["shipped"] is None
