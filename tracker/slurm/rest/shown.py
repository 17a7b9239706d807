"""Jobs as text for people, in the words and the order of ``scontrol show job``."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tracker.slurm.durations import format_duration
from tracker.slurm.rest.document import Piece, read_pieces
from tracker.slurm.rest.jobs import limit_minutes, read_state, wait_status

_SYMBOL = re.compile("%([Aajux])")  # that scontrol fills in


def show_jobs(text: str) -> str:
    """One block a job with a blank line between; times are in UTC. Nothing that a person typed
    begins a line of its own."""
    blocks = [_block(piece) for piece in read_pieces(text, "show_job", "jobs")]
    return "\n\n".join(blocks) + "\n"


def _block(job: Piece) -> str:
    rows = (
        ("JobId JobName", (job.integer("job_id"), job.raw("name"))),
        ("ArrayJobId ArrayTaskId", _array(job)),
        ("UserId Account QOS", tuple(map(job.text, ("user_name", "account", "qos")))),
        ("JobState Reason Dependency", (_state(job), _reason(job), job.text("dependency"))),
        ("Priority Restarts ExitCode", (*_integers(job, "priority", "restart_cnt"), _exit(job))),
        ("TimeLimit SubmitTime EligibleTime", (_limit(job), *_times(job, "submit", "eligible"))),
        ("StartTime EndTime", _times(job, "start", "end")),
        ("Partition NodeList", (job.text("partition"), job.text("nodes"))),
        ("NumNodes NumCPUs NumTasks", _integers(job, "node_count", "cpus", "tasks")),
        ("TRES", (job.text("tres_alloc_str") or job.text("tres_req_str"),)),
        ("Features Reservation", (job.text("features"), job.text("resv_name"))),
        ("Command", (job.text("command"),)),
        ("WorkDir", (job.text("current_working_directory"),)),
        ("Comment", (job.text("comment"),)),
        ("StdErr", (_path(job, "standard_error"),)),
        ("StdOut", (_path(job, "standard_output"),)),
    )
    return "\n   ".join(
        " ".join(map(_entry, names.split(), values))
        for names, values in rows
        if any(value is not None for value in values)
    )


def _entry(name: str, value: object) -> str:
    return f"{name}={'(null)' if value is None else ' '.join(str(value).splitlines())}"


def _integers(job: Piece, *paths: str) -> tuple[int | None, ...]:
    return tuple(job.integer(path) for path in paths)


def _times(job: Piece, *names: str) -> tuple[str, ...]:
    moments = [job.time(f"{name}_time") for name in names]
    return tuple(f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else "Unknown" for at in moments)


def _array(job: Piece) -> tuple[object, object]:
    array_job_id = job.integer("array_job_id") or None
    if array_job_id is None:
        return None, None
    return array_job_id, job.text("array_task_string") or job.integer("array_task_id")


def _state(job: Piece) -> str:
    return job.read(read_state, "job_state")


def _reason(job: Piece) -> str:
    return job.text("state_description") or job.raw("state_reason")


def _limit(job: Piece) -> str | None:
    minutes = limit_minutes(job)
    return None if minutes is None else format_duration(minutes * 60)


def _exit(job: Piece) -> str | None:
    status = job.read(wait_status, "exit_code")
    return None if status is None else f"{status >> 8 & 0xFF}:{status & 0x7F}"


def _path(job: Piece, key: str) -> str | None:
    """Of the job's output, joined and filled in as scontrol does it; an array's rest has none."""
    array_job_id, task = _array(job)
    if job.text("array_task_string"):
        return None
    default = "slurm-%j.out" if array_job_id is None else "slurm-%A_%a.out"
    pattern = job.text(key) or job.text("standard_output") or default
    job_id = job.integer("job_id")
    values = {
        "j": job_id,
        "A": array_job_id or job_id,
        "a": 2**32 - 2 if task is None else task,
        "u": job.raw("user_name"),
        "x": job.raw("name"),
    }
    filled = _SYMBOL.sub(lambda symbol: str(values[symbol[1]]), pattern)
    return str(PurePosixPath(job.raw("current_working_directory")) / filled)
