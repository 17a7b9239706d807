"""A batch of replicas: the same world with other draws of run times and arrivals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from math import inf, nan

import numpy as np

from planner.ensemble.arriving import arriving, drawn, sweeps
from planner.ensemble.chance import alike, hashes
from planner.ensemble.collecting import no_collection
from planner.ensemble.pace import paced
from planner.ensemble.past import Past
from planner.ensemble.starts import Starts
from planner.futures import Future, Recording
from planner.sim.cluster import World
from planner.sim.engine import Simulation
from planner.sim.jobs import Job, Key
from planner.sim.views import RunningJob

_STRIDE_S = 300.0  # how often a replica looks whether all jobs asked about have started
_DRAWN_S = 12 * _STRIDE_S  # for how long ahead submissions get their run times
_RECORDED_STARTS = 500  # at least, before a replica that is recorded stops short of its horizon


def run_batch(
    world: World,
    past: Past,
    *,
    seed: int,
    replicas: range,
    horizon_s: float,
    of: Collection[Key] | None = None,
    bf_interval_s: float | None = None,
    on_future: Callable[[Future], None] | None = None,
) -> Starts:
    """Starts of the jobs that wait at the origin, or of those named, in the world's order.

    Replica r is the same in whatever batch it runs. Each stops once all of them have started.
    Backfill looks as often as told and, far from the origin, less often, as does the main
    scheduler, see ``planner.ensemble.pace``; None: as the site's do.
    ``on_future`` is given what each replica did, in their order.
    """
    if bf_interval_s is not None:
        world = paced(world, bf_interval_s)
    waiting = [
        job.key
        for job in world.jobs
        if job.start_s is None and job.submit_s <= 0 and (of is None or job.key in of)
    ]
    shape = len(replicas), len(waiting)
    start_s, end_s = np.full(shape, np.nan), np.full(shape, np.nan)
    if waiting or on_future is not None:
        here = _with_run_times(world.jobs, past, seed, replicas)
        for row, replica in enumerate(replicas):
            with no_collection():
                one = replace(world, jobs=tuple(here[row]))
                recording = None if on_future is None else Recording(one)
                to_come = arriving(
                    world, past, seed=seed, replica=replica, horizon_s=horizon_s, each_s=_DRAWN_S
                )
                starts, until_s = _first_starts(one, to_come, waiting, horizon_s, recording)
            if waiting:
                start_s[row], end_s[row] = zip(*starts, strict=True)
            if recording is not None and on_future is not None:
                on_future(recording.future(replica, horizon_s, until_s))
    return Starts(tuple(waiting), start_s, end_s)


def _with_run_times(jobs: Sequence[Job], past: Past, seed: int, replicas: range) -> list[list[Job]]:
    """The jobs once for each replica."""
    to_limit = [replace(job, run_s=None) for job in jobs]
    places = [place for place, job in enumerate(jobs) if job.key in past.asked]
    if past.runs is None or not places:
        return [to_limit] * len(replicas)
    asked = [past.asked[jobs[place].key] for place in places]
    age_s = np.array([max(0.0, -(jobs[place].start_s or 0.0)) for place in places])
    keys = [jobs[place].key for place in places]
    run_s = drawn(past.runs, asked, age_s, alike(hashes(keys), sweeps(asked), seed, replicas))
    by_replica = []
    for column in run_s.T.tolist():
        some = to_limit.copy()
        for place, one_s in zip(places, column, strict=True):
            some[place] = replace(to_limit[place], run_s=one_s)
        by_replica.append(some)
    return by_replica


def _first_starts(
    world: World,
    submitted: Iterator[list[Job]],
    waiting: Sequence[Key],
    horizon_s: float,
    recording: Recording | None,
) -> tuple[list[tuple[float, float]], float]:
    """Start and end of each, of one that is preempted those of its first run, undisturbed; and
    how far time has passed. ``submitted`` tells who is, of one _DRAWN_S after the other.
    """
    found: dict[Key, tuple[float, float]] = {}

    def note(started: RunningJob) -> None:
        run_s = started.limit_s if started.job.run_s is None else started.job.run_s
        found.setdefault(started.job.key, (started.start_s, started.start_s + run_s))
        if recording is not None:
            recording.note_start(started)

    note_end = None if recording is None else recording.note_end
    simulation = Simulation(
        world, on_start=note, on_end=note_end, on_requeue=note_end, keeps_plan=False
    )
    if recording is not None:
        recording.note_running(simulation.running())
    simulation.run(0.0)
    in_vain = _never(simulation)
    to_come = set(waiting) - in_vain
    told_s = 0.0
    while simulation.now_s < horizon_s and (
        not found.keys() >= to_come
        or (recording is not None and recording.starts < _RECORDED_STARTS)
    ):
        if told_s <= simulation.now_s:
            told_s += _DRAWN_S
            for job in next(submitted):
                simulation.submit(job)
        simulation.run(min(horizon_s, simulation.now_s + _STRIDE_S))
    if not found.keys() >= to_come:
        in_vain |= _never(simulation)  # a dependency may have failed since
    starts = [found.get(key, (nan, nan) if key in in_vain else (inf, inf)) for key in waiting]
    return starts, simulation.now_s


def _never(simulation: Simulation) -> set[Key]:
    """Jobs that waiting alone does not start."""
    return {one.job.key for one in simulation.queue() if one.never}
