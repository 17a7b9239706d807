"""One backfill cycle: start what delays no planned job, and plan the rest.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11. Running jobs end at their limits;
planned jobs hold whole nodes. With no plan wanted the cycle stops at the last job that fits on
what is free: what it would plan after that cannot change any start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.config import SchedulerConfig
from planner.sim.jobs import Key
from planner.sim.mainsched import Start, may_reserve
from planner.sim.occupancy import Allocation
from planner.sim.placement import Fit, Need, choose, feasible, fit
from planner.sim.queue import Record
from planner.sim.state import State
from planner.sim.timeline import FloatArray, Holds, Release, Releases, expected_end_s


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The start that a cycle gave a pending job: what ``squeue --start`` shows."""

    start_s: float
    nodes: IntArray


def run_cycle(
    records: Sequence[Record],
    state: State,
    now_s: float,
    start: Start,
    plan: dict[Key, Planned] | None,
) -> Iterator[float]:
    """Walk the queue in order. Yields the seconds of each lock yield: the caller lets them pass,
    or drops the iterator to abort the cycle. Fills ``plan`` if one is given.
    """
    timeline = _Timeline(state, now_s)
    caps = _Caps(state.config)
    useful = None if plan is not None else _useful(records, state, now_s)
    if plan is not None:
        plan.clear()
    for index, record in enumerate(records):
        if caps.exhausted():
            return
        if record.pending.left or state.obstacle(record, now_s) or caps.refuse(record):
            continue
        yield from caps.lock_yield()
        if record.pending.left:
            continue
        allocation = timeline.place_now(record)
        if allocation is not None:
            if state.limit_on(record, allocation) is None:
                start(record, allocation)
                caps.started += 1
            continue
        if caps.refuse_hold(record) or not may_reserve(record, state, now_s):
            continue
        planned = timeline.plan_later(record) if useful is None or useful[index] else None
        if planned is None:
            continue
        timeline.hold(record, planned)
        caps.held(record)
        if plan is not None:
            _note(plan, record.job.key, planned)


def _note(plan: dict[Key, Planned], key: Key, planned: Planned) -> None:
    """Keep the earliest of a job's partitions."""
    if key not in plan or planned.start_s < plan[key].start_s:
        plan[key] = planned


def _useful(records: Sequence[Record], state: State, now_s: float) -> list[bool]:
    """Whether holding nodes for a record can change a start of this cycle, for each record.

    From the end of the queue on: nodes where a record fits now matter to all before it, and the
    nodes that a record could hold matter as soon as one of them does.
    """
    fits: dict[Need, Fit] = {}
    nodes_that_matter = np.zeros(len(state.nodes), dtype=np.bool_)
    useful = [False] * len(records)
    for index in range(len(records) - 1, -1, -1):
        record = records[index]
        if record.pending.left or state.obstacle(record, now_s):
            continue
        need = record.need
        candidates = need.candidate_mask
        if (candidates & nodes_that_matter).any():
            useful[index] = True
            nodes_that_matter |= candidates
            continue
        if need not in fits:
            fits[need] = fit(need, state.nodes, state.room).on(state.usable_now)
        if feasible(need, fits[need]):
            nodes_that_matter |= fits[need].tasks > 0
    return useful


class _Caps:
    """How much one cycle may do: the bf_max parameters, and modelled time."""

    def __init__(self, config: SchedulerConfig) -> None:
        self._config = config
        self.started = 0
        self._tested = 0
        self._per_owner: Counter[tuple[str, ...]] = Counter()
        self._array_holds: Counter[Key] = Counter()
        self._holders: set[Key] = set()
        self._spent_s = 0.0
        self._since_yield_s = 0.0

    def exhausted(self) -> bool:
        config = self._config
        max_time_s = config.bf_max_time_s
        if max_time_s is None:
            max_time_s = config.bf_interval_s
        return (
            self._tested >= config.bf_max_job_test
            or (config.bf_max_job_start > 0 and self.started >= config.bf_max_job_start)
            or self._spent_s > max_time_s
        )

    def refuse(self, record: Record) -> bool:
        """Whether a cap per partition, user or association skips this job; else count it."""
        config, job = self._config, record.job
        for cap, owner in (
            (config.bf_max_job_part, ("partition", record.partition.name)),
            (config.bf_max_job_assoc, ("association", job.account, job.user)),
            (config.bf_max_job_user if not config.bf_max_job_assoc else 0, ("user", job.user)),
        ):
            if cap:
                self._per_owner[owner] += 1
                if self._per_owner[owner] > cap:
                    return True
        self._tested += 1
        return False

    def refuse_hold(self, record: Record) -> bool:
        array_id = record.job.array_id
        if (
            array_id is not None
            and self._array_holds[array_id] >= self._config.bf_max_job_array_resv
        ):
            return True
        return self._config.bf_one_resv_per_job and record.job.key in self._holders

    def held(self, record: Record) -> None:
        self._holders.add(record.job.key)
        if record.job.array_id is not None:
            self._array_holds[record.job.array_id] += 1

    def lock_yield(self) -> Iterator[float]:
        """Count the time of one test, and let it pass when it is time to yield the locks."""
        config = self._config
        self._since_yield_s += config.bf_test_cost_s
        if self._since_yield_s < config.bf_yield_interval_s:
            return
        pause_s = self._since_yield_s + config.bf_yield_sleep_s
        self._spent_s += pause_s
        self._since_yield_s = 0.0
        yield pause_s


class _Timeline:
    """Running jobs by their limits, holds of planned jobs, reservations: where a job fits."""

    def __init__(self, state: State, now_s: float) -> None:
        self._state = state
        self._now_s = now_s
        self._until_s = now_s + state.config.bf_window_s
        self._holds = Holds(now_s, len(state.nodes))
        reservations = state.reservations.values()
        self._other_edges_s = np.array([state.returns_s, *(r.end_s for r in reservations)])
        self._at_change: int | None = None  # state.changes that the next four belong to
        self._releases: Releases
        self._fits_now: dict[Need, bool] = {}
        self._by_row: dict[Need, Fit] = {}
        self._tests_s: dict[bytes, FloatArray] = {}  # by candidate nodes

    def place_now(self, record: Record) -> Allocation | None:
        self._follow_state()
        state, need = self._state, record.need
        if need not in self._fits_now:
            fit_now = self._fit_by_row(need).rows(0).on(state.usable_now)
            self._fits_now[need] = bool(feasible(need, fit_now))
        if not self._fits_now[need]:
            return None
        allowed = self._allowed(record, np.array([self._now_s]))[0]
        return state.place(need, allowed & state.usable_now)

    def plan_later(self, record: Record) -> Planned | None:
        """Earliest start after now within the window, with nodes; None if there is none."""
        self._follow_state()
        state, need = self._state, record.need
        times_s = self._instants(need)
        allowed = self._allowed(record, times_s) & state.usable_in_plan
        fits = self._fit_by_row(need).rows(self._releases.rows_at(times_s)).on(allowed)
        for index in np.flatnonzero(feasible(need, fits)):
            nodes = choose(need, state.nodes, fits.rows(int(index)))
            if nodes is not None:
                return Planned(self._start_s(record, float(times_s[index]), nodes), nodes)
        return None

    def hold(self, record: Record, planned: Planned) -> None:
        """Block the whole nodes, in slots of bf_resolution."""
        slot_s = self._state.config.bf_resolution_s
        start_s = self._slot(planned.start_s)
        end_s = self._slot(planned.start_s + _duration_s(record) + slot_s - 1)
        self._holds.hold(start_s, max(end_s, start_s + slot_s), planned.nodes)

    def _slot(self, at_s: float) -> float:
        """Begin of the slot that a time falls into, as the wall clock counts them."""
        slot_s, origin_s = self._state.config.bf_resolution_s, self._state.origin_s
        return floor((at_s + origin_s) / slot_s) * slot_s - origin_s

    def _follow_state(self) -> None:
        """Forget what was computed for other free amounts than now's."""
        state = self._state
        if self._at_change == state.changes:
            return
        self._at_change = state.changes
        self._releases = Releases(
            state.room,
            [
                Release(
                    expected_end_s(r.start_s, r.limit_s, self._now_s, state.config), r.allocation
                )
                for r in state.running.values()
            ],
        )
        self._fits_now.clear()
        self._by_row.clear()
        self._tests_s.clear()

    def _fit_by_row(self, need: Need) -> Fit:
        """Fit now and after each expected end."""
        if need not in self._by_row:
            self._by_row[need] = fit(need, self._state.nodes, self._releases.room)
        return self._by_row[need]

    def _instants(self, need: Need) -> FloatArray:
        """When something that the job may wait for changes, after now and within the window."""
        if need.candidates not in self._tests_s:
            self._tests_s[need.candidates] = self._releases.look_ahead(
                need.candidate_mask & self._state.usable_in_plan,
                self._state.config.bf_window_linear_s,
            )
        times_s = np.concatenate(
            (self._tests_s[need.candidates], self._holds.edges_s, self._other_edges_s)
        )
        times_s = times_s[(times_s > self._now_s) & (times_s <= self._until_s)]
        return np.unique(times_s)

    def _allowed(self, record: Record, times_s: FloatArray) -> BoolArray:
        """Times x nodes: neither held nor reserved by others while the job would run."""
        duration_s = _duration_s(record)
        allowed = self._holds.free(times_s, duration_s)
        for reservation in self._state.reservations.values():
            if reservation.name == record.job.reservation:
                continue
            overlaps = (times_s < reservation.end_s) & (reservation.start_s < times_s + duration_s)
            allowed[overlaps] &= ~reservation.nodes
        return allowed

    def _start_s(self, record: Record, test_s: float, nodes: IntArray) -> float:
        """Start as told: from 25.05 on the last end on the chosen nodes, if free from there."""
        if self._state.config.plan_to_window_end:
            return test_s
        end_s = self._releases.last_end_s(nodes, test_s)
        if end_s <= self._now_s:
            return test_s
        allowed = self._allowed(record, np.array([end_s]))[0]
        return end_s if allowed[nodes].all() else test_s


def _duration_s(record: Record) -> float:
    return min(record.limit_s, record.partition.max_s)
