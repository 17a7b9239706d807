"""A replica watched while it runs, and kept as a future."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

import numpy as np

from planner.futures.future import Future
from planner.sim.cluster import World
from planner.sim.jobs import Job, Key
from planner.sim.occupancy import Allocation, joined, nothing
from planner.sim.timeline import expected_end_s
from planner.sim.views import EndedJob, RunningJob

_FOR_NODES = {"None", "Priority", "Resources"}  # reasons
_END = 2  # place of the end among the times of a row


class Recording:
    """Its methods are what a Simulation calls."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: dict[str, int] = {}
        self._keys: list[str | None] = []
        self._names_of: list[tuple[int, ...]] = []
        self._times: list[list[float]] = []  # submit, start, end, limit, priority
        self._for_nodes: list[bool] = []
        self._held: list[Allocation] = []
        self._row_of: dict[Key, int] = {}  # of those that run
        self._running = 0  # at the origin

    @property
    def starts(self) -> int:
        """So many since the origin."""
        return len(self._keys) - self._running

    def note_running(self, at_origin: Iterable[RunningJob]) -> None:
        """To be told before time passes."""
        for one in at_origin:
            run_s = one.job.run_s
            if run_s is None:
                end_s = expected_end_s(one.start_s, one.limit_s, 0.0, self._world.config)
            else:
                end_s = max(0.0, one.start_s + run_s)
            self._note(one, end_s, inf)
        self._running = len(self._keys)

    def note_start(self, started: RunningJob) -> None:
        run_s = started.limit_s if started.job.run_s is None else started.job.run_s
        self._note(started, started.start_s + run_s, float(started.priority))

    def note_end(self, ended: EndedJob) -> None:
        """Also of what is preempted and goes back to the queue."""
        row = self._row_of.pop(ended.job.key, None)
        if row is not None:
            self._times[row][_END] = ended.end_s

    def future(self, replica: int, horizon_s: float, known_until_s: float) -> Future:
        times = np.array(self._times, dtype=np.float64).reshape(-1, 5)
        sizes = [len(one.nodes) for one in self._held]
        return Future(
            replica=replica,
            horizon_s=horizon_s,
            known_until_s=known_until_s,
            keys=tuple(self._keys),
            names=tuple(self._names),
            names_of=np.array(self._names_of, dtype=np.int64).reshape(-1, 4),
            submit_s=times[:, 0],
            start_s=times[:, 1],
            end_s=times[:, _END],
            limit_s=times[:, 3],
            priority=times[:, 4],
            for_nodes=np.array(self._for_nodes, dtype=np.bool_),
            row_of=np.repeat(np.arange(len(sizes)), sizes),
            held=joined([nothing(len(self._world.nodes.gpu_types)), *self._held]),
        )

    def _note(self, one: RunningJob, end_s: float, priority: float) -> None:
        job = one.job
        self._row_of[job.key] = len(self._keys)
        self._keys.append(job.key if isinstance(job.key, str) else None)
        self._names_of.append(self._places(one.partition, job))
        self._times.append([job.submit_s, one.start_s, end_s, one.limit_s, priority])
        self._for_nodes.append(one.reason in _FOR_NODES)
        self._held.append(one.held.amounts)

    def _places(self, partition: str, job: Job) -> tuple[int, ...]:
        names = self._names
        of_job = (partition, job.user, job.account, job.qos or "")
        return tuple(names.setdefault(name, len(names)) for name in of_job)
