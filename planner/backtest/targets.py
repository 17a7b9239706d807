"""Which jobs are forecast: the later part of a trace, evenly spaced by submission."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

import numpy as np

from planner.traces.jobs import Trace, TraceJob

TRAIN_SHARE = 0.4  # of the jobs, where no number of days is given
DAY_S = 86400.0


class NoTargetsError(ValueError):
    """The trace leaves nothing to forecast; says why and what to give."""


def pick_targets(trace: Trace, *, at_most: int, train_days: float | None = None) -> list[int]:
    """Rising indices of jobs that were submitted after the training period, outcome known.

    The outcome is a start, or a cancellation while pending. A job submitted in training is no
    target, however long it waited. Raises NoTargetsError.
    """
    first = _first_of_test(trace, train_days)
    known = [place for place in range(first, len(trace.jobs)) if _is_told(trace.jobs[place])]
    if not known:
        raise NoTargetsError(_why_none(trace, train_days))
    if len(known) <= at_most:
        return known
    spaced = np.linspace(0, len(known) - 1, at_most).round().astype(np.int64)
    return [known[place] for place in spaced]


def _first_of_test(trace: Trace, train_days: float | None) -> int:
    if train_days is None:
        return int(TRAIN_SHARE * len(trace.jobs))
    boundary_s = trace.jobs[0].asked.submit_s + train_days * DAY_S
    return bisect_left(trace.jobs, boundary_s, key=attrgetter("asked.submit_s"))


def _is_told(job: TraceJob) -> bool:
    return job.wait_s is not None or job.cancelled_wait_s is not None


def _why_none(trace: Trace, train_days: float | None) -> str:
    if not any(_is_told(job) for job in trace.jobs):
        return f"{trace.name} does not tell how long jobs waited; give a log that does"
    days = (trace.jobs[-1].asked.submit_s - trace.jobs[0].asked.submit_s) / DAY_S
    training = "its first 40 %" if train_days is None else f"training on {train_days:g} days"
    return (
        f"{trace.name} spans {days:.1f} days, and no job after {training} has a known wait;"
        " give fewer --train-days or a longer log"
    )
