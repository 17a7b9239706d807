"""Requests fitted into the futures of a snapshot, with the run times drawn for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np

from planner.advice.option import Option
from planner.advice.runs import OwnRun, OwnRuns
from planner.advice.words import Clock
from planner.asking.probe import PROBE, Gate, probe_of
from planner.asking.request import Request
from planner.ensemble import Past, Spread, Starts, asked_run
from planner.ensemble.chance import FloatArray
from planner.futures import Fitter, Future
from planner.runtimes import AskedRun
from planner.sim.cluster import World
from planner.sim.jobs import Job
from planner.sim.queue import Record
from planner.snapshot.requests import Site


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """One request under several limits; seconds from the snapshot."""

    start_s: FloatArray  # (replicas, limits); infinite: beyond the horizon, nan: never
    limits_s: tuple[float, ...]
    run: OwnRun

    def spread(self, place: int = 0) -> Spread:
        """Under one of the limits."""
        start_s = self.start_s[:, [place]]
        end_s = self.run.ends_s(start_s[:, 0], self.limits_s[place])[:, np.newaxis]
        return Spread(Starts((PROBE,), start_s, end_s))


class Fitting:
    def __init__(
        self,
        world: World,
        site: Site,
        past: Past,
        futures: Sequence[Future],
        *,
        seed: int,
        clock: Clock,
    ) -> None:
        """The futures are those of the world; a ValueError says that there are none."""
        if not futures:
            raise ValueError("no futures to fit into; make at least one replica of the snapshot")
        self.world, self.site, self.past, self.futures = world, site, past, tuple(futures)
        self.clock = clock
        self.replicas = len(self.futures)
        self.horizon_s = max(future.horizon_s for future in self.futures)
        self._fitter = Fitter(world, self.futures)
        self._seed = seed
        self._runs = self._runs_of([future.replica for future in self.futures])

    @cached_property
    def _gate(self) -> Gate:
        return Gate(self.world)

    def probe(self, request: Request, partition: str) -> Job:
        """Raises ValueError on what cannot be simulated."""
        return probe_of(self.world, self.site, request, partition)

    def record(self, probe: Job) -> Record:
        return self._gate.record(probe)

    def run(self, request: Request, probe: Job) -> OwnRun:
        return self._runs.of(self._asked(request, probe))

    def fits(
        self,
        request: Request,
        partition: str,
        *,
        limits_s: Sequence[float] | None = None,
        submit_s: float = 0.0,
        raised: float = 0.0,
        run: OwnRun | None = None,
    ) -> Fits:
        """Under the limits given, else under its own. ``raised`` is added to its priority, ``run``
        is how long it runs where that is not told by the request."""
        probe = self.probe(request, partition)
        if raised:
            probe = replace(probe, site_factor=probe.site_factor + round(raised))
        own_s = self.record(probe).limit_s
        asked_s = (own_s,) if limits_s is None else tuple(limits_s)
        start_s = self._fitter.starts(probe, limits_s=asked_s, submit_s=submit_s)
        return Fits(start_s, asked_s, self.run(request, probe) if run is None else run)

    def spread(
        self, option: Option, runs_as: Option, replicas: Sequence[int], start_s: FloatArray
    ) -> Spread:
        """Of starts of an option (replicas, 1) that come from elsewhere, with the run times that
        these replicas have for the job of another, or of the same."""
        probe = self.probe(option.request, option.partition)
        other = self.probe(runs_as.request, runs_as.partition)
        run = self._runs_of(replicas).of(self._asked(runs_as.request, other))
        return Fits(start_s, (self.record(probe).limit_s,), run).spread()

    def _asked(self, request: Request, probe: Job) -> AskedRun:
        """Without its partition: the same job runs as long wherever it is put, and what else runs
        there tells of other jobs. In hidden worlds nearly all bad advice came from that."""
        return replace(asked_run(probe, self.world, request.name), partition="")

    def _runs_of(self, replicas: Sequence[int]) -> OwnRuns:
        return OwnRuns(self.past.runs, self._seed, replicas)

    def limit_minutes(self, probe: Job) -> int | None:
        limit_s = self.record(probe).limit_s
        return round(limit_s / 60) if isfinite(limit_s) else None
