"""From what accounting keeps to a trace: one job per incarnation, sizes in the scarce unit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from planner.traces.cleaning import Cleaning
from planner.traces.jobs import Asked, Trace, TraceJob

YEAR_S = 365 * 86400.0  # Slurm plans with a year where neither job nor partition has a limit


@dataclass(frozen=True, slots=True)
class Incarnation:
    """One record of accounting; times in seconds of one origin."""

    job_id: str
    submit_s: float
    start_s: float | None  # None: has not started
    end_s: float | None  # None: has not ended; without a start: left the queue then
    procs: int  # CPUs, or whole nodes where these are shared out
    gpus: int
    limit_s: float | None  # None: not known; infinite: UNLIMITED
    user: str
    group: str
    partition: str


def trace_of(
    name: str, records: Sequence[Incarnation], processors: int | None, notes: Iterable[str] = ()
) -> Trace:
    """In partitions where most jobs ask for GPUs a job's size is its GPUs, elsewhere its CPUs.

    An incarnation that ended without a start was cancelled while pending. Raises TraceError.
    """
    of_gpus = _partitions_of_gpus(records)
    told = list(notes)
    if of_gpus:
        names = ", ".join(sorted(of_gpus))
        told.append(f"sizes in {names} are GPUs, as most of the jobs there ask for them")
    cleaning = Cleaning(processors)
    for record in records:
        is_of_gpus = record.partition in of_gpus
        if is_of_gpus and record.gpus <= 0:
            cleaning.drop("without a GPU in a partition where most ask for some")
        else:
            cleaning.take(job_of(record, record.gpus if is_of_gpus else record.procs, cleaning))
    return cleaning.trace(name, *told)


def _partitions_of_gpus(records: Iterable[Incarnation]) -> frozenset[str]:
    jobs: Counter[str] = Counter()
    with_gpus: Counter[str] = Counter()
    for record in records:
        jobs[record.partition] += 1
        with_gpus[record.partition] += record.gpus > 0
    return frozenset(name for name, count in jobs.items() if 2 * with_gpus[name] > count)


def job_of(record: Incarnation, procs: int, cleaning: Cleaning) -> TraceJob:
    """The job of that size, not yet cleaned."""
    limit_s = record.limit_s
    if limit_s is None or math.isinf(limit_s):
        cleaning.count("jobs without a time limit, for which Slurm plans a year")
        limit_s = YEAR_S
    asked = Asked(
        job_id=record.job_id,
        submit_s=record.submit_s,
        procs=procs,
        limit_s=limit_s,
        user=record.user,
        group=record.group,
        partition=record.partition,
    )
    if record.start_s is None:
        left_s = None if record.end_s is None else max(0.0, record.end_s - record.submit_s)
        return TraceJob(asked, run_s=None, wait_s=None, cancelled_wait_s=left_s)
    run_s = None if record.end_s is None else record.end_s - record.start_s
    return TraceJob(asked, run_s, wait_s=record.start_s - record.submit_s)
