"""What one backfill cycle believes about the future, and where a job fits into it.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11; compared with the starts that a real
22.05.8 gave. Running jobs end at their limits, planned jobs hold whole nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from planner.sim.cluster import BoolArray, IntArray, Reservation
from planner.sim.occupancy import Allocation
from planner.sim.placement import Fit, Need, choose, feasible, fit
from planner.sim.queue import Record
from planner.sim.state import State
from planner.sim.timeline import Holds, Release, Releases, expected_end_s


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The start that a cycle gave a pending job: what ``squeue --start`` shows."""

    start_s: float
    nodes: IntArray


class Outlook:
    """Running jobs by their limits, holds of planned jobs, reservations: where a job fits."""

    def __init__(self, state: State, now_s: float) -> None:
        self._state = state
        self._now_s = now_s
        self._until_s = now_s + state.config.bf_window_s
        self._holds = Holds(self._slot(now_s), len(state.nodes))
        self._at_change: int | None = None  # state.changes that the next five belong to
        self._releases: Releases
        self._fits_now: dict[Need, bool] = {}
        self._by_row: dict[Need, Fit] = {}
        self._tests: dict[bytes, IntArray] = {}  # rows to test, by the nodes that are open
        self._first_fits: dict[tuple[Need, bytes], Planned | None] = {}

    def place_now(self, record: Record) -> Allocation | None:
        self._follow_state()
        state, need = self._state, record.need
        if need not in self._fits_now:
            fit_now = self._fit_by_row(need).rows(0).on(state.usable_now)
            self._fits_now[need] = bool(feasible(need, fit_now))
        if not self._fits_now[need]:
            return None
        return state.place(need, self._open(record, self._now_s)[0] & state.usable_now)

    def plan_later(self, record: Record) -> Planned | None:
        """Start after now within the window, with nodes; None if there is none.

        Slurm asks from now on, and again from each instant at which more nodes open, until the
        answer comes before the next such instant. Open are the nodes that nobody holds or reserves
        while the job would run from then on. The answer may lie later, so it has to fit again.
        """
        self._follow_state()
        from_s = self._now_s
        while True:
            open_nodes, retry_s = self._open(record, from_s)
            found = self._first_fit(record.need, open_nodes)
            if found is not None:
                start_s = max(found.start_s, from_s, self._now_s + 1)
                if retry_s is None or start_s <= retry_s:
                    if start_s > self._until_s:
                        return None
                    if self._holds.all_free(found.nodes, *self._slots(record, start_s)):
                        return Planned(start_s, found.nodes)
                    retry_s = start_s if start_s > from_s else retry_s
            if retry_s is None:
                return None
            from_s = retry_s

    def hold(self, record: Record, planned: Planned) -> None:
        """Block the whole nodes, in slots of bf_resolution."""
        self._holds.hold(*self._slots(record, planned.start_s), planned.nodes)

    def _slots(self, record: Record, start_s: float) -> tuple[float, float]:
        """Begin and end of the slots that the job would hold; at least one."""
        config = self._state.config
        end_s = start_s + _duration_s(record)
        if config.hold_to_slot_end:
            end_s += config.bf_resolution_s - 1
        begin_s = max(self._slot(start_s), self._slot(self._now_s))
        return begin_s, max(self._slot(end_s), begin_s + config.bf_resolution_s)

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
        self._tests.clear()
        self._first_fits.clear()

    def _fit_by_row(self, need: Need) -> Fit:
        """Fit now and after each expected end."""
        if need not in self._by_row:
            self._by_row[need] = fit(need, self._state.nodes, self._releases.room)
        return self._by_row[need]

    def _first_fit(self, need: Need, open_nodes: BoolArray) -> Planned | None:
        """The first of Slurm's tests at which the need fits on the nodes."""
        key = open_nodes.tobytes()
        if (need, key) not in self._first_fits:
            self._first_fits[need, key] = self._test(need, open_nodes, key)
        return self._first_fits[need, key]

    def _test(self, need: Need, open_nodes: BoolArray, key: bytes) -> Planned | None:
        config = self._state.config
        if key not in self._tests:
            self._tests[key] = self._releases.look_ahead(
                open_nodes, linear_s=config.bf_window_linear_s, origin_s=self._state.origin_s
            )
        rows = self._tests[key]
        fits = self._fit_by_row(need).rows(rows).on(open_nodes)
        for index in np.flatnonzero(feasible(need, fits)):
            nodes = choose(need, self._state.nodes, fits.rows(int(index)))
            if nodes is not None:
                return Planned(self._start_s(int(rows[index]), nodes), nodes)
        return None

    def _start_s(self, row: int, nodes: IntArray) -> float:
        """Up to 24.11 the end of the last job removed, from 25.05 of the last on these nodes."""
        if row == 0:
            return self._now_s
        end_s = float(self._releases.ends_s[row - 1])
        if self._state.config.plan_to_window_end:
            return end_s
        return self._releases.last_end_s(nodes, end_s)

    def _open(self, record: Record, from_s: float) -> tuple[BoolArray, float | None]:
        """Nodes that nobody else holds or reserves while the job would run from that time on, and
        when to look again."""
        end_s = from_s + _duration_s(record)
        mine = record.need.candidate_mask & self._state.usable_in_plan
        others = self._others(record, from_s, end_s)
        free = mine.copy()
        for reservation in others:
            free &= ~reservation.nodes
        free, retry_s = self._holds.free(free, from_s, end_s)
        if others:
            slot_s = self._state.config.bf_resolution_s
            first_end_s = min(reservation.end_s for reservation in others)
            # As coded: a second after the end, rounded up to a slot.
            over_s = self._slot(ceil(first_end_s) + slot_s - 1) + 1
            if over_s < self._until_s and (retry_s is None or over_s < retry_s):
                retry_s = over_s
        return free, retry_s

    def _others(self, record: Record, start_s: float, end_s: float) -> list[Reservation]:
        """Reservations of others on the job's nodes within [start, end)."""
        return [
            reservation
            for reservation in self._state.reservations.values()
            if reservation.name != record.job.reservation
            and reservation.start_s < end_s
            and start_s < reservation.end_s
            and (reservation.nodes & record.need.candidate_mask).any()
        ]


def _duration_s(record: Record) -> float:
    return min(record.limit_s, record.partition.max_s)
