"""A run's log: which file of which user it is, by what we know of its job, opened safely."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import BinaryIO

from tracker.files.job_files import JobFiles, check_allowed, started_job
from tracker.logs import JobNames, Unreadable, log_path
from tracker.models import Actor, Job, Run
from tracker.slurm import hostlist

STREAMS = ("out", "err")


def open_run_log(run: Run, stream: str, actor: Actor) -> BinaryIO:
    """The file, to be closed by the caller. Raises Unreadable, with the reason in words."""
    path = path_of(run, stream, actor)
    return JobFiles.of(run, actor).open(path)


def path_of(run: Run, stream: str, actor: Actor) -> PurePosixPath:
    """Where Slurm writes it. Raises Unreadable where that cannot be known, or not be told."""
    job, cluster = started_job(run)
    check_allowed(run, job, cluster, actor)
    pattern = _pattern(run, stream) or _pattern(run, "out")
    is_array = job.array_job_id is not None
    try:
        return log_path(pattern, _work_dir(run, job), _names(job), is_array=is_array)
    except ValueError as error:
        raise Unreadable("absent", f"{error}.") from None


def streams_of(run: Run) -> list[str]:
    """Which files the job writes: one for both, where errors go with the output."""
    patterns = [_pattern(run, stream) for stream in STREAMS]
    return list(STREAMS[:1]) if patterns[1] in ("", patterns[0]) else list(STREAMS)


def _pattern(run: Run, stream: str) -> str:
    if run.submission:
        options: dict[str, str] = run.submission.request
        return options.get("output" if stream == "out" else "error", "")
    if run.job:
        return run.job.std_out if stream == "out" else run.job.std_err
    return ""


def _work_dir(run: Run, job: Job) -> str:
    asked = run.submission.request.get("chdir", "") if run.submission else ""
    return asked or job.work_dir


def _names(job: Job) -> JobNames:
    nodes = hostlist.expand(job.node_list) if job.node_list else []
    return JobNames(
        job_id=job.job_id,
        array_job_id=job.array_job_id,
        array_task_id=job.array_task_id,
        name=job.name,
        user=job.user,
        node=nodes[0].partition(".")[0] if nodes else "",
    )
