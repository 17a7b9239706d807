"""Accounting as slurmrestd tells it: ``/slurmdb/VERSION/jobs``.

Not told: who cancelled by uid (it is a name), the row's number in the database, and what the
versions below v0.0.40 spoil, namely exit codes other than 0 and names of reservations.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from tracker.slurm.jobids import MAX_TASKS, parse_tasks
from tracker.slurm.records import AccountedJob, Minutes
from tracker.slurm.rest.document import Piece, read_pieces
from tracker.slurm.rest.jobs import read_state, signal_of

_EXIT_CODES_RIGHT_SINCE = 40
_STARTS_RIGHT_SINCE = 38
# As sacct prints them. CLEAR_SCHEDULING is the mask of the others and says nothing.
_FLAGS = {
    "STARTED_ON_SUBMIT": "SchedSubmit",
    "STARTED_ON_SCHEDULE": "SchedMain",
    "STARTED_ON_BACKFILL": "SchedBackfill",
    "START_RECEIVED": "StartRecieved",
}


def parse_accounting(text: str) -> list[AccountedJob]:
    """Attempts in the order told; the steps inside them are left out."""
    return [_attempt(piece) for piece in read_pieces(text, "sacct", "jobs")]


def _attempt(job: Piece) -> AccountedJob:
    job_id = job.integer("job_id")
    if not job_id:
        raise job.error("job_id is missing")
    state = job.read(read_state, "state/current")
    array_job_id = job.integer("array/job_id") or None
    het_job_id = job.integer("het/job_id") or None
    node_list = job.text("nodes")
    node_list = None if node_list == "None assigned" else node_list
    requested = job.tres("tres/requested")
    start_at, end_at = _start_at(job, node_list), job.time("time/end")
    code, signal = _exit(job, state)
    return AccountedJob(
        job_id=job_id,
        state=state,
        user=job.text("user") or job.text("association/user"),
        name=job.raw("name") or None,
        account=job.text("account"),
        partition=job.text("partition"),
        qos=job.text("qos"),
        reason=job.text("state/reason", "state/previous"),
        exit_code=code,
        exit_signal=signal,
        submit_at=job.time("time/submission"),
        eligible_at=job.time("time/eligible"),
        start_at=start_at,
        end_at=end_at,
        elapsed_s=job.integer("time/elapsed"),
        limit_minutes=_limit_minutes(job, start_at),
        array_job_id=array_job_id,
        array_task_id=job.integer("array/task_id") if array_job_id else None,
        array_tasks=job.read(_tasks, "array/task"),
        het_job_id=het_job_id,
        het_offset=job.integer("het/job_offset") if het_job_id else None,
        priority=job.integer("priority"),
        req_cpus=job.integer("required/CPUs"),
        req_nodes=requested.nodes,
        alloc_nodes=job.integer("allocation_nodes"),
        req_tres=requested,
        alloc_tres=job.tres("tres/allocated"),
        node_list=node_list,
        cluster=job.text("cluster"),
        constraints=job.text("constraints"),
        reservation=_reservation(job),
        flags=tuple(_FLAGS.get(word, word) for word in job.words("flags") if word in _FLAGS),
        comment=job.text("comment/job"),
        work_dir=job.text("working_directory"),
    )


def _start_at(job: Piece, node_list: str | None) -> datetime | None:
    """v0.0.36 and 37 put the eligible time here; there the end tells."""
    if job.version >= _STARTS_RIGHT_SINCE:
        return job.time("time/start")
    end_at, elapsed_s = job.time("time/end"), job.integer("time/elapsed")
    if end_at is None or elapsed_s is None or node_list is None:
        return None
    try:
        return end_at - timedelta(seconds=elapsed_s + (job.integer("time/suspended") or 0))
    except OverflowError as error:
        raise job.error(f"time/elapsed: {elapsed_s} s is no time that passed") from error


def _limit_minutes(job: Piece, start_at: datetime | None) -> Minutes | None:
    """Null is unlimited for a job that started; before that the partition may still decide."""
    minutes = job.limit("time/limit")
    if minutes is None and start_at is not None and job.version < 39:
        return math.inf
    return minutes


def _exit(job: Piece, state: str) -> tuple[int | None, int | None]:
    """Exit code and signal. Before v0.0.40 every exit that was no signal reads SUCCESS and 0, so
    0 is believed of COMPLETED only: another code is unknown, not 0."""
    exit_code = job.find("exit_code")
    if not isinstance(exit_code, dict):
        return None, None
    told = Piece(job.command, job.version, exit_code | {"signal_id": signal_of(exit_code)})
    signal = told.integer("signal_id")
    if signal:
        return 0, signal
    if job.version >= _EXIT_CODES_RIGHT_SINCE:
        code = told.integer("return_code")
        return code, None if code is None else 0
    if exit_code.get("status") != "SUCCESS":
        return None, None
    return (0 if state == "COMPLETED" else None), 0


def _reservation(job: Piece) -> str | None:
    """Up to v0.0.38 its name is a number, and a wrong one."""
    return job.text("reservation/name") if isinstance(job.find("reservation/name"), str) else None


def _tasks(value: Any) -> tuple[int, ...]:
    """``0x7E``, one bit a task of the unsplit rest, or ``1-6``."""
    if value is None:
        return ()
    if not isinstance(value, str) or len(value) > MAX_TASKS // 4:
        raise ValueError(f"{str(value)[:80]!r} is no list of array tasks")
    if not value.lower().startswith("0x"):
        return parse_tasks(value)[0]
    bits = bin(int(value, 16))[:1:-1]
    return tuple(task for task, bit in enumerate(bits) if bit == "1")
