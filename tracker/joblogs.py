"""A run's log: which file of which user it is, by what we know of its job, opened safely."""

from __future__ import annotations

import pwd
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings

from tracker.logs import JobNames, LogUnreadable, log_path, open_log
from tracker.logs.unreadable import shown
from tracker.models import Actor, Cluster, Job, Run
from tracker.slurm import hostlist

STREAMS = ("out", "err")


def open_run_log(run: Run, stream: str, actor: Actor) -> BinaryIO:
    """The file, to be closed by the caller. Raises LogUnreadable, with the reason in words."""
    job, cluster = _job_of(run)
    path = path_of(run, stream, actor)
    file = open_log(path, roots=cluster.log_roots, owner_uid=_uid(job.user, cluster))
    if _is_the_services(file):
        file.close()
        raise LogUnreadable("outside", f"{shown(path)} is a file of this service, and no log.")
    return file


def _is_the_services(file: BinaryIO) -> bool:
    """Where jobs run as the service's own user its keys are that user's files too. The demo's jobs
    live in the data folder, in a place of their own."""
    real = Path(f"/proc/self/fd/{file.fileno()}").readlink()
    data_dir = Path(settings.DATA_DIR)
    return real.is_relative_to(data_dir) and not real.is_relative_to(data_dir / "demo/home")


def path_of(run: Run, stream: str, actor: Actor) -> PurePosixPath:
    """Where Slurm writes it. Raises LogUnreadable where that cannot be known, or not be told."""
    job, cluster = _job_of(run)
    _check_allowed(run, job, cluster, actor)
    pattern = _pattern(run, stream) or _pattern(run, "out")
    is_array = job.array_job_id is not None
    try:
        return log_path(pattern, _work_dir(run, job), _names(job), is_array=is_array)
    except ValueError as error:
        raise LogUnreadable("absent", f"{error}.") from None


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


def _job_of(run: Run) -> tuple[Job, Cluster]:
    if run.job is None:
        raise LogUnreadable(
            "absent", "Slurm has not shown the job of this run yet; its log comes with it."
        )
    if run.job.start_at is None:
        raise LogUnreadable("absent", "The job has not started yet: there is no log so far.")
    return run.job, run.job.cluster


def _check_allowed(run: Run, job: Job, cluster: Cluster, actor: Actor) -> None:
    """A run may name any job; only its owner's own word makes a job's files part of the run."""
    vouching = Actor(run.created_by).unix_name(cluster) if run.created_by else None
    if job.user not in (vouching, actor.unix_name(cluster)):
        raise LogUnreadable(
            "not_owner",
            f"The job is {job.user}'s, and the run was made by somebody who is not {job.user} on "
            f"{cluster}: only {job.user} sees its log here.",
        )
    if not actor.jobs(cluster).filter(pk=job.pk).exists():
        raise LogUnreadable(
            "not_owner",
            f"{cluster} shows a job to its own user only (PrivateData), and this one is "
            "another user's.",
        )


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


def _uid(name: str, cluster: Cluster) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise LogUnreadable(
            "not_owner",
            f"This service's host does not know the user {name} of {cluster}, so it cannot tell "
            "whose the file is. Give it the cluster's users (LDAP, sssd), or a mapping.",
        ) from None
