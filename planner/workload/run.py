"""The whole of a workload, from the first submission to the last start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import cast

import numpy as np
from numpy.typing import NDArray

from planner.sim.engine import Simulation
from planner.sim.pool import Tally
from planner.sim.views import EndedJob, RunningJob
from planner.workload.jobs import Workload

_STRIDE_S = 3600.0  # jobs are handed over in stretches of so long, and need not all be in the clock
_PATIENCE_S = 86400.0  # on an idle cluster, after all that was to come

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """One entry a job; times count from the world's origin, nan where it never started."""

    start_s: Floats  # the last one, of a job that was preempted and started again
    end_s: Floats  # nan too where it still ran when the last one started
    cpus: NDArray[np.int64]  # allocated
    notes: tuple[str, ...]


def run(work: Workload, tally: Tally | None = None) -> Run:
    """Deterministic. ``tally`` counts on while the simulation goes: as jobs those that have
    started, as events submissions, starts and ends.
    """
    return _Course(work, tally or Tally()).run()


class _Course:
    def __init__(self, work: Workload, tally: Tally) -> None:
        jobs = len(work.jobs)
        self._work = work
        self._tally = tally
        self._start_s: Floats = np.full(jobs, np.nan)
        self._end_s: Floats = np.full(jobs, np.nan)
        self._cpus = np.zeros(jobs, dtype=np.int64)
        self._counts: Counter[str] = Counter()
        self._simulation = Simulation(
            work.world,
            on_start=self._note_start,
            on_end=self._note_end,
            on_requeue=self._note_requeue,
            keeps_plan=False,
            retention_s=0.0,
        )

    def run(self) -> Run:
        simulation = self._simulation
        for job in self._work.jobs:
            while job.submit_s > simulation.now_s + _STRIDE_S:
                simulation.run(simulation.now_s + _STRIDE_S)
            simulation.submit(job)
            self._tally.events += 1
        last_s = self._last_appointment_s() + _PATIENCE_S
        while simulation.may_start() and (simulation.now_s < last_s or simulation.running()):
            simulation.run(simulation.now_s + _STRIDE_S)
        if stuck := int(np.isnan(self._start_s).sum()):
            self._counts["jobs that never started in the model, left out"] = stuck
        notes = tuple(f"{what}: {count:,}" for what, count in sorted(self._counts.items()))
        return Run(self._start_s, self._end_s, self._cpus, notes)

    def _last_appointment_s(self) -> float:
        """When the last thing that is to come for certain has come."""
        edges = (
            edge_s
            for reservation in self._work.world.reservations
            for edge_s in (reservation.start_s, reservation.end_s)
            if isfinite(edge_s)
        )
        eligible = (job.eligible_s or job.submit_s for job in self._work.jobs)
        return max([0.0, *edges, *eligible])

    def _note_start(self, started: RunningJob) -> None:
        place = _place(started)
        self._start_s[place] = started.start_s
        self._cpus[place] = sum(share.cpus for share in started.allocation)
        self._tally.jobs += 1
        self._tally.events += 1

    def _note_end(self, ended: EndedJob) -> None:
        self._end_s[_place(ended)] = ended.end_s
        if ended.cancelled:
            self._counts["jobs cancelled by preemption"] += 1
        self._tally.events += 1

    def _note_requeue(self, ended: EndedJob) -> None:
        self._start_s[_place(ended)] = np.nan
        self._tally.jobs -= 1
        self._counts["times that a job was preempted and waited again"] += 1
        self._tally.events += 1


def _place(one: RunningJob | EndedJob) -> int:
    return cast(int, one.job.key)
