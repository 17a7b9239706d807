"""Small made-up traces: by hand, one job a line, or drawn at random with every kind of outcome."""

from __future__ import annotations

import numpy as np

from planner.traces.jobs import Asked, Trace, TraceJob

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86400.0


def job(
    job_id: int | str,
    submit_s: float,
    *,
    wait_s: float | None = None,
    run_s: float | None = None,
    cancelled_wait_s: float | None = None,
    procs: int = 1,
    limit_s: float = HOUR_S,
    user: str = "alice",
    partition: str = "cpu",
) -> TraceJob:
    asked = Asked(str(job_id), submit_s, procs, limit_s, user, "vision", partition)
    return TraceJob(asked, run_s, wait_s, cancelled_wait_s)


def trace(*jobs: TraceJob, processors: int | None = None) -> Trace:
    in_order = sorted(jobs, key=lambda each: each.asked.submit_s)
    return Trace("made up", tuple(in_order), processors, ())


def random_trace(
    rng: np.random.Generator,
    n: int,
    *,
    partitions: tuple[str, ...] = ("cpu", "gpu"),
    processors: int | None = None,
) -> Trace:
    """Whole minutes, so that instants coincide: many at one time, starts as others end.

    Jobs that started, some still running at the end, that were cancelled, that wait for ever.
    """
    submit_s = np.sort(rng.integers(0, 3 * n, n)) * MINUTE_S
    return trace(
        *(random_job(rng, index, float(at), partitions) for index, at in enumerate(submit_s)),
        processors=processors,
    )


def random_job(
    rng: np.random.Generator, job_id: int | str, submit_s: float, partitions: tuple[str, ...]
) -> TraceJob:
    asked = Asked(
        job_id=str(job_id),
        submit_s=submit_s,
        procs=int(rng.choice([1, 1, 2, 4, 8])),
        limit_s=float(rng.choice([10, 60, 240])) * MINUTE_S,
        user=str(rng.choice(["alice", "bob", "carol"])),
        group="vision",
        partition=str(rng.choice(partitions)),
    )
    return outcome_after(rng, asked, submit_s)


def outcome_after(rng: np.random.Generator, asked: Asked, after_s: float) -> TraceJob:
    """Any outcome of a job that still waited just before ``after_s``: it starts then at first."""
    waited_s = after_s - asked.submit_s
    wait_s = waited_s + float(rng.choice([0, 0, 1, 30, 400])) * MINUTE_S
    kind = rng.random()
    if kind < 0.1:
        return TraceJob(asked, run_s=None, wait_s=None, cancelled_wait_s=wait_s)
    if kind < 0.15:
        return TraceJob(asked, run_s=None, wait_s=None)
    if kind < 0.2:
        return TraceJob(asked, run_s=None, wait_s=wait_s)
    run_s = float(rng.integers(1, asked.limit_s // MINUTE_S + 1)) * MINUTE_S
    return TraceJob(asked, run_s, wait_s)
