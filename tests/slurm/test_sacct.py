from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER, table
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.errors import ParseError
from tracker.slurm.records import AccountedJob
from tracker.slurm.sacct import parse_sacct

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def loaded() -> list[AccountedJob]:
    return Slurm(read_capture(LOADED_CLUSTER).transport).accounting(NOW)


@pytest.fixture(scope="module")
def small() -> list[AccountedJob]:
    return Slurm(read_capture(SMALL_CLUSTER).transport).accounting(NOW)


def attempts_of(jobs: list[AccountedJob], job_id: int) -> list[AccountedJob]:
    return [job for job in jobs if job.job_id == job_id]


def test_all_attempts_and_their_ends_are_there(loaded: list[AccountedJob]) -> None:
    assert Counter(job.state for job in loaded) == {
        "COMPLETED": 719, "PENDING": 182, "RUNNING": 53, "FAILED": 50, "TIMEOUT": 17,
        "CANCELLED": 14, "REQUEUED": 4, "DEADLINE": 1, "NODE_FAIL": 1,
    }  # fmt: skip


def test_a_failed_job_has_its_exit_code_times_and_resources(loaded: list[AccountedJob]) -> None:
    (job,) = attempts_of(loaded, 2)
    assert (job.state, job.exit_code, job.exit_signal) == ("FAILED", 7, 0)
    assert job.start_at == job.end_at == datetime(2026, 11, 23, 11, 59, 41, tzinfo=UTC)
    assert (job.elapsed_s, job.limit_minutes) == (0, 2)
    assert (job.alloc_tres.cpus, job.alloc_tres.mem_mib) == (1, 2000)
    assert (job.user, job.account, job.cluster, job.db_index) == ("bob", "nlp", "lab", 3)


def test_a_requeued_job_has_a_row_for_each_attempt(loaded: list[AccountedJob]) -> None:
    first, second = attempts_of(loaded, 859)
    assert (first.state, second.state) == ("REQUEUED", "RUNNING")
    assert first.submit_at is not None
    assert second.submit_at is not None
    assert first.submit_at < second.submit_at


def test_who_cancelled_is_kept(loaded: list[AccountedJob]) -> None:
    uids = Counter(job.cancelled_by_uid for job in loaded if job.state == "CANCELLED")
    assert uids == {1001: 4, 1003: 3, 1004: 2, 1006: 2, 0: 1, 1002: 1, 1005: 1}


def test_what_never_happened_is_none(loaded: list[AccountedJob]) -> None:
    pending = next(job for job in loaded if job.state == "PENDING")
    assert (pending.start_at, pending.end_at, pending.node_list) == (None, None, None)
    assert pending.alloc_tres.cpus is None
    assert pending.req_tres.cpus is not None


def test_a_job_that_never_started_has_an_end_only(loaded: list[AccountedJob]) -> None:
    (job,) = (job for job in loaded if job.state == "DEADLINE")
    assert job.start_at is None
    assert job.end_at is not None


def test_limits_beyond_a_day_and_beyond_all_days_are_read(loaded: list[AccountedJob]) -> None:
    limits = {job.limit_minutes for job in loaded}
    assert {36 * 60 + 30, math.inf} <= limits


def test_array_tasks_and_heterogeneous_components_are_told_apart(
    loaded: list[AccountedJob],
) -> None:
    (task,) = attempts_of(loaded, 1138)
    assert (task.array_job_id, task.array_task_id) == (1074, 3)
    (component,) = attempts_of(loaded, 835)
    assert (component.het_job_id, component.het_offset) == (834, 1)


def test_the_unsplit_rest_of_an_array_is_one_row_with_its_tasks() -> None:
    fields = ("JobID", "JobIDRaw", "State", "JobName")
    (rest,) = parse_sacct("2_[21-29:2%3]|2|CANCELLED by 0|arr", fields=fields, separator="|")
    assert (rest.job_id, rest.array_job_id, rest.array_task_id) == (2, 2, None)
    assert rest.array_tasks == (21, 23, 25, 27, 29)


def test_names_and_comments_with_newlines_and_bars_are_whole(
    loaded: list[AccountedJob], small: list[AccountedJob]
) -> None:
    (odd,) = attempts_of(loaded, 329)
    # The database turns a double quote into a backtick; squeue has the original.
    assert (odd.name, odd.comment) == ("odd|name `q` ünï;x", 'a|b=c "d" é')
    assert attempts_of(small, 12)[0].name == "two\nlines"


def test_flags_are_a_list(loaded: list[AccountedJob]) -> None:
    assert loaded[0].flags == ("SchedMain", "StartRecieved")


def test_out_of_memory_is_signal_125_and_steps_are_left_out() -> None:
    text, fields = table("sacct_oom.psv")
    with_raw_id = "".join(f"{line.split('|')[0]}|{line}\n" for line in text.splitlines())
    jobs = parse_sacct(with_raw_id, fields=["JobIDRaw", *fields], separator="|")
    assert [(job.job_id, job.state, job.exit_signal) for job in jobs] == [
        (1, "OUT_OF_MEMORY", 125), (2, "COMPLETED", 0), (3, "COMPLETED", 0),
    ]  # fmt: skip


def test_a_bar_in_a_name_in_mid_row_shifts_the_row_and_is_noticed() -> None:
    text, fields = table("sacct_jobs.psv")
    (line,) = (line for line in text.splitlines() if line.startswith("329|"))
    with pytest.raises(ParseError, match="329"):
        parse_sacct(line, fields=fields, separator="|")


def test_durations_in_place_of_seconds_are_read_too() -> None:
    text, fields = table("sacct_steps.psv")
    renamed = ["ElapsedRaw" if name == "Elapsed" else name for name in fields]
    lines = [line for line in text.splitlines() if "odd|name" not in line]
    jobs = parse_sacct("\n".join(lines), fields=renamed, separator="|")
    assert len(jobs) < len(lines)  # without the steps
    assert jobs[0].elapsed_s == 2


def test_a_window_without_jobs_is_an_empty_list() -> None:
    assert parse_sacct("") == []
