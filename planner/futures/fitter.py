"""A hypothetical job fitted into known futures: milliseconds where a simulation takes minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import numpy as np

from planner.futures.ahead import Line
from planner.futures.future import FloatArray, Future
from planner.futures.openings import asked
from planner.futures.segments import Segments, milliseconds
from planner.futures.usage import Usage
from planner.sim.admission import Admission
from planner.sim.cluster import World
from planner.sim.jobs import Job
from planner.sim.pricing import Pricing
from planner.sim.queue import Pending, Record


class Fitter:
    """Of one world and its futures, which may be those of a deeper queue than can be simulated
    again. Approximate: nobody makes way for the job but those of lower rank at the instant of its
    start, its fair share stays as it is, and who could preempt or be preempted is not looked at.
    """

    def __init__(self, world: World, futures: Sequence[Future]) -> None:
        self._pricing = Pricing(world)
        self._admission = Admission(world, self._pricing.shares)
        self._known = [_Known(world, future, self._pricing) for future in futures]

    @property
    def replicas(self) -> int:
        return len(self._known)

    def starts(
        self, probe: Job, *, limits_s: Sequence[float] | None = None, submit_s: float = 0.0
    ) -> FloatArray:
        """First start of the job under each limit (None: its own), submitted then; of shape
        (replicas, limits), seconds from the futures' origin.

        Infinite: beyond the horizon. nan: waiting alone does not start it. After the time to which
        a future is known only those are in the way that still run: too early, if anything.
        """
        wanted_s = [probe.limit_s] if limits_s is None else list(limits_s)
        found = np.full((self.replicas, len(wanted_s)), nan)
        if probe.held is not None:
            return found
        variants = [replace(probe, submit_s=submit_s, limit_s=limit_s) for limit_s in wanted_s]
        for records in zip(*map(self._records, variants), strict=True):  # of one partition each
            may = [place for place, one in enumerate(records) if one.never is None]
            if not may or not records[0].partition.up:
                continue
            limits_s = [records[place].limit_s for place in may]
            for row, known in enumerate(self._known):
                found[row, may] = np.fmin(found[row, may], known.starts(records[may[0]], limits_s))
        return found

    def _records(self, probe: Job) -> tuple[Record, ...]:
        pending = Pending(probe, sequence=0, held=None)
        self._admission.admit(pending)
        return pending.records


class _Known:
    """A future made ready for questions."""

    def __init__(self, world: World, future: Future, pricing: Pricing) -> None:
        self._world, self._pricing = world, pricing
        self._horizon_ms = milliseconds(future.horizon_s)
        self._line = Line(world, future)
        self._segments = Segments(world, future, self._line.place)
        self._usage = Usage(world, future, pricing.shares)

    def starts(self, record: Record, limits_s: Sequence[float]) -> FloatArray:
        """Of the record, by limit."""
        job, index = record.job, record.share_index
        eligible_s = job.submit_s if job.eligible_s is None else max(job.submit_s, job.eligible_s)
        fair_share = 0.0 if index is None else self._pricing.fair_share[index]
        ahead = self._line.ahead_of(record, fair_share, eligible_s)
        wanted = list(asked(record.need, self._segments, ahead, len(self._world.nodes)))
        gates = []
        if self._world.config.enforce_limits:
            gates = self._usage.gates(record, ahead.is_first)
        # It can start when a node or a limit lets it, if not at once.
        at_ms = [one.begin_ms for each in wanted for one in each.openings]
        at_ms += [gate.moved_ms for gate in gates]
        times_ms = np.unique(np.maximum(np.concatenate(at_ms), milliseconds(eligible_s)))
        times_ms = times_ms[times_ms <= self._horizon_ms]
        for gate in gates:
            times_ms = times_ms[gate.is_open(times_ms)]
        found = np.full(len(limits_s), inf)
        for place, limit_s in enumerate(limits_s):
            is_good = np.ones(len(times_ms), dtype=np.bool_)
            for each in wanted:
                is_good &= each.enough(times_ms, int(milliseconds(limit_s)))
            if is_good.any():
                found[place] = times_ms[np.argmax(is_good)] / 1000
        return found
