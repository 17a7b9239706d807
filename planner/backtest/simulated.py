"""Forecasts by simulation: the queue as it is known, played on by EASY until the target starts.

The target's partition is one pool (``planner.backtest.pools``). The scheduler plans with the
limits; when jobs end is what the two methods differ in.

A scheduler that plans with the predictions as well (EASY++) was tried for sim_last2: mean pinball
of 2,500 forecasts on KTH-SP2 6,429 s against 6,190 s, of 1,500 on a slice of CEA Curie 3,015 s
against 3,248 s: better on one, worse on the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.backtest.known import Known
from planner.backtest.pools import MOMENT_S, Pool
from planner.quantiles import Quantiles
from planner.traces.jobs import Asked

# Tsafrir, Etsion, Feitelson (IEEE TPDS 2007) lengthen a prediction that a job has outlived by
# growing steps, in place of going over to its limit at once.
STEPS_S = tuple(60.0 * minutes for minutes in (1, 5, 15, 30, 60, 120, 300, 600, 1200, 3000, 6000))

RunTime = Callable[[Asked, Known, float], float]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A point forecast; ``run_s`` tells how long a job runs in all that has run for ``age_s``."""

    run_s: RunTime

    def forecast(self, _target: Asked, known: Known) -> Quantiles | None:
        pool = Pool.of(known)
        jobs = zip(pool.jobs, pool.age_s.tolist(), strict=True)
        run_s = np.array([self.run_s(job, known, age_s) for job, age_s in jobs])
        return Quantiles.point(pool.wait_s(run_s))


def limit(job: Asked, _known: Known, age_s: float) -> float:
    """The job's limit; a moment more than its age where it has outlived that."""
    return max(job.limit_s, age_s + MOMENT_S)


def last_two(job: Asked, known: Known, age_s: float) -> float:
    """Mean of the user's last two ended jobs, within the limit; a new user's job: its limit.

    A running job that has outlived this is given step after step of STEPS_S until it has not.
    """
    past_s = known.last_runs_s(job.user, 2)
    predicted_s = sum(past_s) / len(past_s) if past_s else job.limit_s
    for step_s in STEPS_S:
        if predicted_s > age_s:
            break
        predicted_s += step_s
    return max(min(predicted_s, job.limit_s), age_s + MOMENT_S)


SIM_LIMITS = Simulated(limit)
SIM_LAST2 = Simulated(last_two)
