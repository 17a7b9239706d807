"""The pool played on many times, jobs running for as long as like jobs did before."""

from __future__ import annotations

import zlib

import numpy as np

from planner.backtest.pools import FloatArray, Pool
from planner.quantiles import Quantiles
from planner.runtimes import AskedRun, RunTimes

REPLICAS = 16
FEWEST_REPLICAS = 4
JOBS = 8_000  # simulated for one target at most, while that leaves the fewest replicas


def ensemble(pool: Pool, runs: RunTimes) -> tuple[Quantiles, FloatArray]:
    """Quantiles of the target's wait, and the run time to expect of each job of the pool."""
    replicas = max(FEWEST_REPLICAS, min(REPLICAS, JOBS // len(pool.jobs)))
    asked = [
        AskedRun(job.user, job.group, "", job.partition, job.procs, job.limit_s)
        for job in pool.jobs
    ]
    drawn = runs.draw(asked, pool.age_s, _uniforms(pool, replicas))
    expected_s, run_s = drawn[:, 0], drawn[:, 1:]
    if pool.starts_at_once:
        return Quantiles.point(0.0), expected_s
    waits_s = [pool.wait_s(run_s[:, replica]) for replica in range(replicas)]
    p10_s, p50_s, p90_s = np.quantile(waits_s, (0.1, 0.5, 0.9))
    return Quantiles(float(p10_s), float(p50_s), float(p90_s)), expected_s


def _uniforms(pool: Pool, replicas: int) -> FloatArray:
    """A middle first, then for each job one number from each of ``replicas`` equal parts of 0..1:
    so few draws tell more of the spread than independent ones. The target's name is the seed."""
    rng = np.random.default_rng(zlib.crc32(pool.jobs[-1].job_id.encode()))
    shape = (len(pool.jobs), replicas)
    parts = rng.permuted(np.broadcast_to(np.arange(replicas), shape), axis=1)
    drawn = (parts + rng.uniform(1e-9, 1.0, shape)) / replicas
    return np.column_stack((np.full(len(pool.jobs), 0.5), drawn))
