"""One job as Slurm's controller holds it now: asked when somebody looks, and not too often."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from tracker.models import Cluster, Job
from tracker.reach import showing
from tracker.slurm.errors import SlurmError, SlurmRefused

FRESH_FOR = timedelta(seconds=30)
KEPT_S = 3_600
# Of all users together: a controller has better things to do.
QUESTIONS_PER_WINDOW = 6
WINDOW_S = 60
_PATH = re.compile(r"^\s*(StdOut|StdErr)=(\S.*)$", re.MULTILINE)
_COLUMN = {"StdOut": "std_out", "StdErr": "std_err"}


@dataclass(frozen=True, slots=True)
class ShownJob:
    """``text`` is of ``told_at``, empty where Slurm has told nothing yet; ``problem`` says in words
    why it is no newer."""

    text: str = ""
    told_at: datetime | None = None
    asked_at: datetime | None = None
    problem: str = ""


def show_job(cluster: Cluster, job_id: int) -> ShownJob:
    """What ``scontrol show job`` says, at most half a minute old where Slurm may be asked.

    Where the job's output goes is kept with the job, if nobody has told that yet.
    """
    now = timezone.now()
    key = f"show-job-{cluster.pk}-{job_id}"
    last: ShownJob = cache.get(key, ShownJob())
    if last.asked_at and now - last.asked_at < FRESH_FOR:
        return last
    if why := _why_not(cluster, now):
        return replace(last, problem=why)
    shown = _ask(cluster, job_id, last, now)
    cache.set(key, shown, timeout=KEPT_S)
    return shown


def _why_not(cluster: Cluster, now: datetime) -> str:
    if cluster.transport == Cluster.Transport.CAPTURE:
        return f"{cluster} is a recording: nobody is there to answer."
    if cluster.polling_paused:
        return f"Staff have paused every question to {cluster}."
    window, into_s = divmod(now.timestamp(), WINDOW_S)
    key = f"show-job-questions-{cluster.pk}"
    counted_window, count = cache.get(key, (window, 0))
    count = count + 1 if counted_window == window else 1
    if count > QUESTIONS_PER_WINDOW:
        return (
            f"{cluster} has been asked too often just now: try again in {WINDOW_S - into_s:.0f} s."
        )
    cache.set(key, (window, count), timeout=2 * WINDOW_S)
    return ""


def _ask(cluster: Cluster, job_id: int, last: ShownJob, now: datetime) -> ShownJob:
    try:
        text = _block_of(job_id, showing(cluster).show_job(job_id))
    except SlurmRefused as refused:
        why = f"Slurm's controller does not show it: {refused}"
        if "invalid job id" in str(refused).lower():
            why = "Slurm's controller has forgotten this job, as it does minutes after the end."
        return replace(last, asked_at=now, problem=why)
    except SlurmError as silence:
        return replace(last, asked_at=now, problem=f"{cluster} does not answer now: {silence}")
    _keep_paths(cluster, job_id, text)
    return ShownJob(text=text, told_at=now, asked_at=now)


def _block_of(job_id: int, text: str) -> str:
    """Asked for an array's own id, the controller shows all of its tasks."""
    blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", text)]
    own = re.compile(rf"JobId={job_id}\b")
    return next((block for block in blocks if own.match(block)), text.strip())


def _keep_paths(cluster: Cluster, job_id: int, text: str) -> None:
    newest = Job.objects.filter(cluster=cluster, job_id=job_id).order_by("-first_submit_at")[:1]
    # The last of each: what people type, and may hold such a line, is printed before.
    for word, path in dict(_PATH.findall(text)).items():
        column = _COLUMN[word]
        jobs = Job.objects.filter(pk__in=list(newest.values_list("pk", flat=True)), **{column: ""})
        jobs.update(**{column: path.rstrip()})
