"""The queue as slurmrestd tells it: ``/slurm/VERSION/jobs``.

Not told are the nodes planned for a pending job (up to v0.0.38), the CPUs of one that ended without
nodes, and tasks of a pending array past 64 characters of its task list unless slurmrestd runs with
``SLURM_BITSTR_LEN=0``.
"""

from __future__ import annotations

import math
from typing import Any

from tracker.slurm.jobids import parse_tasks
from tracker.slurm.records import Minutes, QueuedJob
from tracker.slurm.rest.document import Piece, read_pieces, whole_number
from tracker.slurm.states import is_final, parse_state

# Which of several words squeue shows: the first of these, else the base state.
_SHOWN_FIRST = (
    "COMPLETING", "STAGE_OUT", "CONFIGURING", "RESIZING", "REQUEUED", "REQUEUE_FED",
    "REQUEUE_HOLD", "SPECIAL_EXIT", "STOPPED", "REVOKED", "RESV_DEL_HOLD", "SIGNALING",
)  # fmt: skip


def parse_jobs(text: str) -> list[QueuedJob]:
    """Jobs in the order told; those that ended within MinJobAge are among them."""
    return [_job(piece) for piece in read_pieces(text, "squeue", "jobs")]


def _job(job: Piece) -> QueuedJob:
    job_id = job.integer("job_id")
    if not job_id:
        raise job.error("job_id is missing")
    state = job.read(read_state, "job_state")
    task, tasks, throttle = _array_part(job)
    in_array = task is not None or bool(tasks)
    minutes = limit_minutes(job)
    het_job_id = job.integer("het_job_id") or None
    per_cpu_mib, per_node_mib = job.integer("memory_per_cpu"), job.integer("memory_per_node")
    return QueuedJob(
        job_id=job_id,
        state=state,
        user=job.raw("user_name") or str(job.integer("user_id") or ""),
        name=job.raw("name"),
        account=job.text("account"),
        partitions=job.words("partition"),
        qos=job.text("qos"),
        reason=job.text("state_description") or job.text("state_reason"),
        priority=job.integer("priority"),
        submit_at=job.time("submit_time"),
        eligible_at=job.time("eligible_time"),
        start_at=job.time("start_time"),
        # Without a limit a running job ends "in a year".
        end_at=job.time("end_time") if minutes != math.inf or is_final(state) else None,
        limit_minutes=minutes,
        array_job_id=job.integer("array_job_id") if in_array else None,
        array_task_id=task,
        array_tasks=tasks,
        array_throttle=throttle,
        het_job_id=het_job_id,
        het_offset=job.integer("het_job_offset") if het_job_id else None,
        node_count=job.integer("node_count"),
        ntasks=job.integer("tasks"),
        cpus=job.integer("cpus"),
        min_cpus_per_node=job.integer("minimum_cpus_per_node"),
        mem_mib=per_cpu_mib or per_node_mib or 0,  # both null: all of the node
        mem_per_cpu=bool(per_cpu_mib),
        tres_per_node=job.tres("tres_per_node"),
        tres_per_job=job.tres("tres_per_job"),
        tres_per_task=job.tres("tres_per_task"),
        tres_alloc=job.tres("tres_alloc_str" if job.text("tres_alloc_str") else "tres_req_str"),
        node_list=job.text("nodes"),
        scheduled_nodes=job.text("scheduled_nodes"),
        required_nodes=job.text("required_nodes"),
        features=job.text("features"),
        exclusive=job.find("shared") in ("none", ["none"]),
        dependency=job.text("dependency"),
        reservation=job.text("resv_name"),
        restarts=job.integer("restart_cnt"),
        exit_code=job.read(wait_status, "exit_code"),
        comment=job.text("comment"),
        command=job.text("command"),
        work_dir=job.text("current_working_directory"),
    )


def read_state(value: Any) -> str:
    """The word that squeue and sacct show; since v0.0.40 base state and flags come as a list."""
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{str(value)[:80]!r} is no job state")
    state = parse_state("+".join(words))
    shown = (flag for flag in _SHOWN_FIRST if flag in state.flags)
    return next(shown, state.name)


def _array_part(job: Piece) -> tuple[int | None, tuple[int, ...], int | None]:
    """Task id, or ids and throttle of the unsplit rest; a rest of one task is that task."""
    if not job.integer("array_job_id"):
        return None, (), None
    rest = job.raw("array_task_string").strip()
    if not rest:
        return job.integer("array_task_id"), (), None
    tasks, throttle = job.parsed(parse_tasks, "array_task_string")
    return (tasks[0], (), None) if rest.isdigit() and tasks else (None, tasks, throttle)


def limit_minutes(job: Piece) -> Minutes | None:
    """Up to v0.0.38 null is unlimited."""
    minutes = job.limit("time_limit")
    is_null = job.find("time_limit") is None and "time_limit" in job.values
    return math.inf if is_null and job.version < 39 else minutes


def wait_status(value: Any) -> int | None:
    """Plain, or since v0.0.40 taken apart into ``return_code`` and ``signal``."""
    if not isinstance(value, dict) or "return_code" not in value:
        return whole_number(value)
    code, signal = whole_number(value["return_code"]), whole_number(signal_of(value))
    return None if code is None and signal is None else ((code or 0) << 8) + (signal or 0)


def signal_of(exit_code: dict[str, Any]) -> Any:
    signal = exit_code.get("signal")
    if not isinstance(signal, dict):
        return None
    return signal.get("signal_id", signal.get("id"))
