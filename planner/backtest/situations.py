"""What a learner is told of a target: its situation, from what was known at its submission."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from planner.backtest.known import Known
from planner.backtest.pools import FloatArray, Pool
from planner.learning import RunningJobs, Situation, StartedJobs, WaitingJobs
from planner.quantiles import Quantiles

LOOK_BACK = 3_000  # newest starts, among which those in the partition are looked for
STARTED = 200  # of these, the newest


def situation(
    known: Known, pool: Pool, expected_s: FloatArray, said: Mapping[str, Quantiles | None]
) -> Situation:
    """``expected_s``: how long each job of the pool is expected to run in all."""
    target, running = known.target, pool.running
    is_own = np.array([bool(job.user) and job.user == target.user for job in pool.jobs])
    queue = slice(running, len(pool.jobs) - 1)
    submit_s = np.array([job.submit_s for job in pool.jobs[queue]], dtype=np.float64)
    procs = pool.procs.astype(np.float64)
    return Situation(
        now_s=known.now_s,
        procs=float(target.procs),
        limit_s=target.limit_s,
        run_s=float(expected_s[-1]),
        room=float(pool.room),
        running=RunningJobs(
            procs=procs[:running],
            left_limit_s=np.maximum(pool.limit_s - pool.age_s, 0.0)[:running],
            left_run_s=np.maximum(expected_s - pool.age_s, 0.0)[:running],
            is_own=is_own[:running],
        ),
        waiting=WaitingJobs(
            procs=procs[queue],
            limit_s=pool.limit_s[queue],
            run_s=expected_s[queue],
            age_s=known.now_s - submit_s,
            is_own=is_own[queue],
        ),
        started=_started(known),
        said=said,
    )


def _started(known: Known) -> StartedJobs:
    waits, target = known.waits, known.target
    first = max(0, len(waits) - LOOK_BACK)
    partition, user = known.partition_code(target.partition), known.user_code(target.user)
    rows = first + np.flatnonzero(
        waits.partition[first:] == (-1 if partition is None else partition)
    )
    rows = rows[-STARTED:]
    return StartedJobs(
        ago_s=known.now_s - waits.start_s[rows],
        wait_s=waits.wait_s[rows],
        procs=waits.procs[rows],
        is_own=waits.user[rows] == (-1 if user is None or not target.user else user),
    )
