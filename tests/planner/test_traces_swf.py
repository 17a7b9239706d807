"""Logs in the Standard Workload Format: what is read, what is dropped, what is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from planner.traces.cleaning import TraceError
from planner.traces.jobs import Asked, TraceJob
from planner.traces.reading import read_trace
from planner.traces.swf import read_swf

HEADER = "; Version: 2.2\n; MaxProcs: 100\n"


USUAL = {
    "submit": 0, "wait": 5, "run": 60, "allocated": 4, "cpu": -1, "memory": -1, "requested": 4,
    "limit": 600, "asked_memory": -1, "status": 1, "user": 7, "group": 3, "executable": -1,
    "queue": -1, "partition": -1, "preceding": -1, "think": -1,
}  # fmt: skip


def line(job_id: int = 1, **said: float) -> str:
    return " ".join(str(each) for each in (job_id, *(USUAL | said).values())) + "\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.swf"


def test_a_line_is_a_job(log: Path) -> None:
    log.write_text(HEADER + line(submit=1000, partition=10))
    read = read_swf(log)
    assert read.jobs == (TraceJob(Asked("1", 1000.0, 4, 600.0, "7", "3", "10"), 60.0, 5.0),)
    assert read.processors == 100
    assert read.name == "log.swf"


def test_the_size_given_wins_over_the_header(log: Path) -> None:
    log.write_text(HEADER + line())
    assert read_swf(log, 50).processors == 50


def test_a_log_without_the_size_of_its_machine_has_none(log: Path) -> None:
    log.write_text(line())
    assert read_swf(log).processors is None


def test_jobs_stand_in_order_of_submission_then_as_in_the_file(log: Path) -> None:
    log.write_text(line(1, submit=9) + line(5, submit=3) + line(2, submit=3))
    assert [job.asked.job_id for job in read_swf(log).jobs] == ["5", "2", "1"]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"run": 0}, "jobs dropped, run time 0 or not known: 1"),
        ({"run": -1}, "jobs dropped, run time 0 or not known: 1"),
        ({"allocated": -1, "requested": -1}, "jobs dropped, size 0 or not known: 1"),
        ({"allocated": 101}, "jobs dropped, larger than the machine's 100 processors: 1"),
    ],
)
def test_a_job_that_no_scheduler_could_have_run_is_dropped_and_counted(
    log: Path, bad: dict[str, int], told: str
) -> None:
    log.write_text(HEADER + line(1) + line(2, **bad))
    read = read_swf(log)
    assert [job.asked.job_id for job in read.jobs] == ["1"]
    assert read.notes == (told,)


def test_a_job_that_overran_ends_at_its_limit(log: Path) -> None:
    log.write_text(line(run=700))
    read = read_swf(log)
    assert read.jobs[0].run_s == 600
    assert read.notes == ("jobs that ran longer than their limit, cut to it: 1",)


def test_without_a_requested_time_the_run_time_stands_for_it_and_that_is_told(log: Path) -> None:
    log.write_text(line(limit=-1))
    read = read_swf(log)
    assert read.jobs[0].asked.limit_s == 60
    assert "jobs without a requested time" in read.notes[0]


def test_without_an_allocation_the_request_is_the_size(log: Path) -> None:
    log.write_text(line(allocated=-1, requested=8))
    assert read_swf(log).jobs[0].asked.procs == 8


def test_what_is_not_known_is_none_or_empty(log: Path) -> None:
    log.write_text(line(wait=-1, user=-1, group=-1))
    (job,) = read_swf(log).jobs
    assert job.wait_s is None
    assert (job.asked.user, job.asked.group, job.asked.partition) == ("", "", "")


def test_queues_stand_for_partitions_only_where_no_job_names_a_partition(log: Path) -> None:
    log.write_text(line(1, queue=2) + line(2, queue=3))
    read = read_swf(log)
    assert [job.asked.partition for job in read.jobs] == ["2", "3"]
    assert "its queues are taken for partitions" in read.notes[0]
    log.write_text(line(1, queue=2) + line(2, queue=3, partition=9))
    assert [job.asked.partition for job in read_swf(log).jobs] == ["", "9"]


def test_a_compressed_log_is_read_whatever_it_is_called(log: Path) -> None:
    log.write_bytes(gzip.compress((HEADER + line()).encode()))
    assert len(read_trace(log).jobs) == 1


def test_a_compressed_log_that_was_cut_is_refused(log: Path) -> None:
    log.write_bytes(gzip.compress((HEADER + line() * 500).encode())[:-20])
    with pytest.raises(TraceError, match=r"log\.swf: the compressed file is cut"):
        read_trace(log)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 0 5 60 4\n", "line 3: 5 fields where the Standard Workload Format has 18"),
        (line().replace("60", "1h"), "line 3: the run time is '1h'; give a number"),
        (line().replace("60", "nan"), "line 3: the run time is 'nan'; give a number"),
    ],
)
def test_a_line_that_is_no_job_is_named_with_its_fault(log: Path, text: str, problem: str) -> None:
    log.write_text(HEADER + text)
    with pytest.raises(TraceError, match=problem):
        read_swf(log)


@pytest.mark.parametrize("text", ["", HEADER, line(run=0)])
def test_a_log_without_a_job_is_refused(log: Path, text: str) -> None:
    log.write_text(text)
    with pytest.raises(TraceError, match="no job is left"):
        read_swf(log)


def test_a_file_that_is_no_trace_is_refused_with_what_would_be_one(log: Path) -> None:
    log.write_text("hello world\n")
    with pytest.raises(
        TraceError, match=r"'hello world' begins no trace .* Standard Workload Format"
    ):
        read_trace(log)


@pytest.mark.parametrize(
    ("name", "jobs", "processors", "partitions"),
    [
        ("KTH-SP2-1996-2.swf.gz", 28481, 100, {""}),
        ("CEA-Curie-2011-first-12000.swf.gz", 12000, 93312, {"4", "8", "10", "13", "17", "19"}),
    ],
)
def test_logs_of_the_archive(name: str, jobs: int, processors: int, partitions: set[str]) -> None:
    folder = os.environ.get("QUEUECAST_TRACES")
    if folder is None or not (path := Path(folder) / name).exists():
        pytest.skip(f"QUEUECAST_TRACES names no folder with {name}")
    read = read_trace(path)
    assert len(read.jobs) == jobs
    assert read.processors == processors
    assert {job.asked.partition for job in read.jobs} == partitions
    assert all(job.wait_s is not None for job in read.jobs)
