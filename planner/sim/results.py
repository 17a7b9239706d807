"""Whole runs of a world: when every job starts and ends, and the figures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from planner.sim.views import EndedJob, RunningJob

_STRIDE_S = 600.0  # how often a run looks whether it is done
BOUND_S = 10.0  # shortest run time that bounded slowdown counts


@dataclass(frozen=True, slots=True)
class PlannedStart:
    """Where one pending job ends up if every job runs to its limit and nothing else arrives."""

    key: Key
    start_s: float | None  # None: not within the horizon, or never
    nodes: tuple[str, ...]
    partition: str | None  # the one it starts in
    reason: str  # why it does not run at the origin, in Slurm's words
    never: bool  # waiting alone does not start it


@dataclass(frozen=True, slots=True)
class Figures:
    """A run in numbers; waits count from submission. None where no job has started."""

    jobs: int
    mean_wait_s: float | None
    median_wait_s: float | None
    p95_wait_s: float | None
    mean_bounded_slowdown: float | None
    utilisation: float | None  # of the CPUs, from the first start to the last end


def plan(world: World, horizon_s: float) -> dict[Key, PlannedStart]:
    """Start of every job that is pending at the origin, were all limits the true run times.

    Submissions after the origin take part but are not reported. Deterministic.
    """
    jobs = tuple(replace(job, run_s=None) for job in world.jobs)
    starts: dict[Key, RunningJob] = {}

    def note(started: RunningJob) -> None:
        starts.setdefault(started.job.key, started)  # the first, should it be preempted

    simulation = Simulation(replace(world, jobs=jobs), on_start=note, keeps_plan=False)
    asked = {job.key for job in jobs if job.start_s is None and job.submit_s <= 0}
    simulation.run(0.0)
    found = _not_started(simulation)
    while simulation.may_start() and simulation.now_s < horizon_s:
        simulation.run(min(horizon_s, simulation.now_s + _STRIDE_S))
    for key in asked & starts.keys():
        at_once = PlannedStart(key, None, (), None, "None", never=False)
        found[key] = replace(
            found.get(key, at_once),
            start_s=starts[key].start_s,
            nodes=tuple(share.node for share in starts[key].allocation),
            partition=starts[key].partition,
        )
    return found


def at_origin(world: World) -> dict[Key, PlannedStart]:
    """The jobs that the first look at the queue does not start, and why; none has a start yet."""
    simulation = Simulation(world, keeps_plan=False)
    simulation.run(0.0)
    return _not_started(simulation)


def _not_started(simulation: Simulation) -> dict[Key, PlannedStart]:
    found: dict[Key, PlannedStart] = {}
    for waiting in simulation.queue():
        key = waiting.job.key
        found.setdefault(key, PlannedStart(key, None, (), None, waiting.reason, waiting.never))
    return found


def simulate(world: World, until_s: float) -> list[EndedJob]:
    """Jobs that end by ``until_s``, in order of their ends; stops early when all have ended."""
    ended: list[EndedJob] = []
    simulation = Simulation(world, on_end=ended.append, keeps_plan=False, retention_s=0.0)
    while simulation.now_s < until_s:
        simulation.run(min(until_s, simulation.now_s + _STRIDE_S))
        if not simulation.may_start() and not simulation.running():
            break
    return ended


def figures(ended: Sequence[EndedJob], cluster_cpus: int) -> Figures:
    """Figures over the jobs that started; the others count in ``jobs`` only."""
    spans = [(one, one.start_s) for one in ended if one.start_s is not None]
    if not spans:
        return Figures(len(ended), None, None, None, None, None)
    start_s = np.array([start for _, start in spans])
    end_s = np.array([one.end_s for one, _ in spans])
    wait_s = start_s - np.array([one.job.submit_s for one, _ in spans])
    run_s = end_s - start_s
    cpus = np.array([sum(share.cpus for share in one.allocation) for one, _ in spans])
    slowdown = np.maximum(1.0, (wait_s + run_s) / np.maximum(run_s, BOUND_S))
    span_s = float(end_s.max() - start_s.min())
    return Figures(
        len(ended),
        float(wait_s.mean()),
        float(np.median(wait_s)),
        float(np.quantile(wait_s, 0.95)),
        float(slowdown.mean()),
        float((run_s * cpus).sum()) / (span_s * cluster_cpus) if span_s > 0 else None,
    )
