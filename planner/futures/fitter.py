"""A hypothetical job fitted into known futures: milliseconds where a simulation takes minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan

import numpy as np

from planner.futures.ahead import Ahead, Line
from planner.futures.future import FloatArray, Future
from planner.futures.openings import Asked, asked
from planner.futures.segments import Segments, milliseconds
from planner.futures.turns import Turns
from planner.futures.usage import Usage
from planner.sim.admission import Admission
from planner.sim.cluster import BoolArray, IntArray, World
from planner.sim.jobs import Job
from planner.sim.pricing import Pricing
from planner.sim.queue import Pending, Record


class Fitter:
    """Of one world and the futures that a forecast of it has made.

    Approximate: others stay where they are but for those of lower rank that the job would have
    kept from starting; its user's fair share stays as it is at the origin; who could preempt or be
    preempted, and jobs of higher rank that do not start at all, are not looked at. The error
    against insertion is what ``bench/fit.py`` tells.
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
        variants = [
            replace(probe, submit_s=submit_s, limit_s=limit_s)
            for limit_s in (probe.limit_s, *wanted_s)
        ]
        for own, *records in zip(*map(self._records, variants), strict=True):  # by partition
            may = [place for place, one in enumerate(records) if one.never is None]
            if not may or not own.partition.up:
                continue
            allowed_s = [records[place].limit_s for place in may]
            for row, known in enumerate(self._known):
                here = known.starts(records[may[0]], own, allowed_s)
                found[row, may] = np.fmin(found[row, may], here)
        return found

    def _records(self, probe: Job) -> tuple[Record, ...]:
        pending = Pending(probe, sequence=0, held=None)
        self._admission.admit(pending)
        return pending.records


class _Known:
    """A future made ready for questions."""

    def __init__(self, world: World, future: Future, pricing: Pricing) -> None:
        self._world, self._future, self._pricing = world, future, pricing
        self._horizon_ms = milliseconds(future.horizon_s)
        self._line = Line(world, future)
        self._segments = Segments(world, future, self._line.place)
        # As the scheduler plans: all run to their limits.
        self._limit_end_s = np.maximum(future.end_s, future.start_s + future.limit_s)
        self._planned = Segments(world, future, self._line.place, self._limit_end_s)
        self._usage = Usage(world, future, pricing.shares)

    def starts(self, record: Record, own: Record, limits_s: Sequence[float]) -> FloatArray:
        """By limit, of records that differ from ``own`` in it alone."""
        job, index = record.job, record.share_index
        eligible_s = job.submit_s if job.eligible_s is None else max(job.submit_s, job.eligible_s)
        fair_share = 0.0 if index is None else self._pricing.fair_share[index]
        ahead = self._line.ahead_of(record, fair_share, eligible_s)
        stays = self._staying(own, ahead, eligible_s)
        wanted = asked(record.need, self._segments, ahead, stays)
        gates = []
        if self._world.config.enforce_limits:
            gates = self._usage.gates(record, ahead.is_first, stays)
        turns = Turns(self._future, self._usage, ahead, record)
        moved_ms = [turns.start_ms, *(gate.moved_ms for gate in gates)]
        times_ms = self._times_ms(wanted, eligible_s, moved_ms)
        for gate in gates:
            times_ms = times_ms[gate.is_open(times_ms)]
        found = np.full(len(limits_s), inf)
        for place, limit_s in enumerate(limits_s):
            its_turn_ms = times_ms[turns.is_open(times_ms, limit_s)]
            first_ms = _first_ms(wanted, its_turn_ms, limit_s)
            found[place] = inf if first_ms is None else first_ms / 1000
        return found

    def _staying(self, record: Record, ahead: Ahead, eligible_s: float) -> BoolArray:
        """All but jobs of lower rank that backfill would not have started: they took nodes that
        are planned for the record, for longer than until then. The plan is that of the instant
        from which it is eligible.
        """
        stays = np.ones_like(ahead.is_first)
        wanted = asked(record.need, self._planned, ahead, ahead.is_first)
        at_ms = _first_ms(wanted, self._times_ms(wanted, eligible_s), record.limit_s)
        if at_ms is not None:
            future, length_ms = self._future, int(milliseconds(record.limit_s))
            planned = np.zeros(len(self._world.nodes), dtype=np.bool_)
            for each in wanted:
                planned[each.nodes_at(at_ms, length_ms)] = True
            on_planned = np.bincount(future.row_of, planned[future.held.nodes], len(future)) > 0
            is_late = (future.start_s > eligible_s) & (self._limit_end_s > at_ms / 1000)
            stays = ahead.is_first | ~(on_planned & is_late)
        return stays

    def _times_ms(
        self, wanted: Sequence[Asked], eligible_s: float, moved_ms: Sequence[IntArray] = ()
    ) -> IntArray:
        """When the job may become able to start: as nodes do, or something else has moved."""
        of_nodes = [one.times_ms for each in wanted for one in each.openings]
        at_ms = np.concatenate((*of_nodes, *moved_ms))
        found: IntArray = np.unique(np.maximum(at_ms, milliseconds(eligible_s)))
        return found[found <= self._horizon_ms]


def _first_ms(wanted: Sequence[Asked], times_ms: IntArray, limit_s: float) -> int | None:
    """The first of the times at which all that is wanted is there for so long."""
    is_good = np.ones(len(times_ms), dtype=np.bool_)
    for each in wanted:
        is_good &= each.enough(times_ms, int(milliseconds(limit_s)))
    return int(times_ms[np.argmax(is_good)]) if is_good.any() else None
