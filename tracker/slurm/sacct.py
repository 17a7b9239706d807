"""sacct: every attempt of every job, as accounting remembers it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from tracker.slurm.durations import parse_duration_s, parse_minutes
from tracker.slurm.jobids import parse_job_id
from tracker.slurm.records import AccountedJob
from tracker.slurm.rows import SEPARATOR, Row, read_rows
from tracker.slurm.states import parse_state
from tracker.slurm.tres import parse_tres

# Known from 20.11 to 25.11 (Reserved became Planned, Restarts came late); free text last.
FIELDS = (
    "JobID", "JobIDRaw", "State", "ExitCode", "User", "Account", "Partition", "QOS", "Reason",
    "Priority", "Submit", "Eligible", "Start", "End", "ElapsedRaw", "Timelimit", "ReqCPUS",
    "ReqNodes", "AllocNodes", "ReqTRES", "AllocTRES", "NodeList", "Cluster", "Constraints",
    "Reservation", "Flags", "DBIndex", "WorkDir", "Comment", "JobName",
)  # fmt: skip


def parse_sacct(
    text: str, *, fields: Sequence[str] = FIELDS, separator: str = SEPARATOR
) -> list[AccountedJob]:
    """Attempts in the order printed; step rows (``12.batch``) are left out."""
    rows = read_rows(text, fields, command="sacct", separator=separator)
    attempts = (_attempt(row) for row in rows)
    return [attempt for attempt in attempts if attempt is not None]


def _attempt(row: Row) -> AccountedJob | None:
    shown = row.read("JobID", parse_job_id)
    if shown.step is not None:
        return None
    state = row.read("State", _state)
    exit_code, exit_signal = row.read("ExitCode", _exit)
    in_array = shown.task is not None or bool(shown.tasks)
    node_list = row.text("NodeList")
    return AccountedJob(
        job_id=_raw_id(row),
        state=state.name,
        user=row.text("User"),
        name=row.raw("JobName") or None,
        account=row.text("Account"),
        partition=row.text("Partition"),
        qos=row.text("QOS"),
        reason=row.text("Reason"),
        cancelled_by_uid=state.cancelled_by_uid,
        exit_code=exit_code,
        exit_signal=exit_signal,
        submit_at=row.time("Submit"),
        eligible_at=row.time("Eligible"),
        start_at=row.time("Start"),
        end_at=row.time("End"),
        elapsed_s=row.read("ElapsedRaw", _parse_elapsed_s),
        limit_minutes=row.read("Timelimit", _minutes),
        array_job_id=shown.base if in_array else None,
        array_task_id=shown.task,
        array_tasks=shown.tasks,
        het_job_id=shown.base if shown.het_offset is not None else None,
        het_offset=shown.het_offset,
        priority=row.integer("Priority"),
        req_cpus=row.integer("ReqCPUS"),
        req_nodes=row.integer("ReqNodes"),
        alloc_nodes=row.integer("AllocNodes"),
        req_tres=row.read("ReqTRES", _tres),
        alloc_tres=row.read("AllocTRES", _tres),
        node_list=None if node_list == "None assigned" else node_list,
        cluster=row.text("Cluster"),
        constraints=row.text("Constraints"),
        reservation=row.text("Reservation"),
        flags=row.words("Flags"),
        comment=row.text("Comment"),
        work_dir=row.text("WorkDir"),
        db_index=row.integer("DBIndex"),
    )


def _raw_id(row: Row) -> int:
    """JobIDRaw is a plain number, but may repeat JobID for the unsplit rest of an array."""
    text = row.raw("JobIDRaw")
    is_plain = len(text) <= 10 and text.isascii() and text.isdigit()
    return int(text) if is_plain else row.read("JobIDRaw", parse_job_id).base


def _parse_exit(text: str) -> tuple[int | None, int | None]:
    """``7:0`` is exit code and signal."""
    word = text.strip()
    if not word:
        return None, None
    code, colon, signal = word.partition(":")
    if not colon or not (word.isascii() and code.isdigit() and signal.isdigit()) or len(word) > 12:
        raise ValueError(f"{text[:80]!r} is not an exit code such as 7:0")
    return int(code), int(signal)


def _parse_elapsed_s(text: str) -> int | None:
    """ElapsedRaw in seconds; a recording may hold Elapsed (``00:00:04``) in its place."""
    word = text.strip()
    if word.isascii() and word.isdigit() and len(word) <= 12:
        return int(word)
    seconds = parse_duration_s(word)
    if seconds is not None and math.isinf(seconds):
        raise ValueError(f"{text!r} is no time that passed")
    return None if seconds is None else int(seconds)


# Of millions of rows nearly all repeat these texts; remembered, a row takes half the time.
_tres = lru_cache(maxsize=10_000)(parse_tres)
_state = lru_cache(maxsize=1_000)(parse_state)
_minutes = lru_cache(maxsize=1_000)(parse_minutes)
_exit = lru_cache(maxsize=1_000)(_parse_exit)
