"""The jobs that are submitted in a replica, with the run times that they will have."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from planner.ensemble.chance import FloatArray, Hashes, alike, hashes
from planner.ensemble.past import Past
from planner.runtimes import AskedRun, RunTimes
from planner.sim.cluster import World
from planner.sim.jobs import Job


def arriving(
    world: World, past: Past, *, seed: int, replica: int, horizon_s: float, each_s: float
) -> Iterator[list[Job]]:
    """In order of submission, those of the first ``each_s``, the end included, then of the next.

    How long they run is drawn only once their stretch is asked for: a replica that stops early has
    drawn nothing in vain. Without end; empty past the horizon.
    """
    jobs: list[Job] = []
    if past.arrivals is not None:
        rng = np.random.default_rng((seed, replica))
        jobs = past.arrivals.jobs(rng, world.origin_s, horizon_s)
    begin, until_s = 0, 0.0
    while True:
        until_s += each_s
        after = bisect_right(jobs, until_s, lo=begin, key=lambda job: job.submit_s)
        yield _with_run_times(jobs[begin:after], past, seed, replica)
        begin = after


def sweeps(asked: Sequence[AskedRun]) -> Hashes:
    """By job, the same for those that are likely to run alike."""
    return hashes((job.user, job.name, job.partition, job.procs, job.limit_s) for job in asked)


def drawn(
    runs: RunTimes, asked: Sequence[AskedRun], age_s: FloatArray, u: FloatArray
) -> FloatArray:
    """In whole seconds, as Slurm counts: what rounding does to a draw moves nothing."""
    return np.ceil(runs.draw(asked, age_s, u))


def _with_run_times(jobs: list[Job], past: Past, seed: int, replica: int) -> list[Job]:
    if past.arrivals is None or past.runs is None:
        return jobs
    known = [(job, past.arrivals.asked_by(job.key)) for job in jobs]
    asked = [one for _, one in known if one is not None]
    if not asked:
        return jobs
    keys = [job.key for job, one in known if one is not None]
    only = range(replica, replica + 1)
    u = alike(hashes(keys), sweeps(asked), seed, only)
    run_s = iter(drawn(past.runs, asked, np.zeros(len(asked)), u)[:, 0].tolist())
    return [job if one is None else replace(job, run_s=next(run_s)) for job, one in known]
