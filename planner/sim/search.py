"""Where in the plan of a backfill cycle a job fits first: the plain form, which is the model.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11; compared with the starts that a real
22.05.8 gave.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, floor

from planner.sim.choice import choose
from planner.sim.cluster import IntArray, Reservation
from planner.sim.holds import Holds
from planner.sim.needs import Grain, Need
from planner.sim.nodeset import NodeSet, set_of_indices
from planner.sim.outlook import Planned, planned_run_s
from planner.sim.placement import Fit, fit, fits
from planner.sim.queue import Record
from planner.sim.state import State
from planner.sim.timeline import Release, Releases, expected_end_s


class PlainSearch:
    """Sets as long integers, amounts as arrays; results are shared by equal needs of a cycle."""

    def __init__(self, state: State, now_s: float, holds: Holds | None = None) -> None:
        self._state = state
        self._now_s = now_s
        self._until_s = now_s + state.config.bf_window_s
        self._tells_row_ends = state.config.plan_to_window_end
        self._holds = Holds(self._slot(now_s)) if holds is None else holds
        self._at_change: int | None = None  # state.changes that the next five belong to
        self._releases_then: Releases | None = None
        self._by_row: dict[tuple[Grain, int], Fit] = {}
        self._tests: dict[NodeSet, list[int]] = {}  # rows to test, by the nodes that are open
        self._first_rows: dict[tuple[Need, NodeSet], int | None] = {}
        self._first_fits: dict[tuple[Need, NodeSet], Planned | None] = {}

    def open_now(self, record: Record) -> NodeSet:
        return self._open(record, self._now_s)[0]

    def plan(self, record: Record) -> tuple[Planned, NodeSet] | None:
        planned = self._plan_later(record)
        return None if planned is None else (planned, self.hold(record, planned))

    def hold(self, record: Record, planned: Planned) -> NodeSet:
        nodes = set_of_indices(planned.nodes)
        self._holds.hold(*self._slots(record, planned.start_s), nodes)
        return nodes

    def without(self, state: State) -> PlainSearch:
        return PlainSearch(state, self._now_s, self._holds)

    def _plan_later(self, record: Record) -> Planned | None:
        """Start after now within the window, with nodes; None if there is none.

        Slurm asks from now on, and again from each instant at which more nodes open, until the
        answer comes before the next such instant. Open are the nodes that nobody holds or reserves
        while the job would run from then on. The answer may lie later, so it has to fit again.
        """
        self._follow_state()
        from_s = self._now_s
        while True:
            open_nodes, retry_s = self._open(record, from_s)
            found = self._first_fit(record.need, open_nodes, retry_s)
            if found is not None:
                start_s = max(found.start_s, from_s, self._now_s + 1)
                if retry_s is None or start_s <= retry_s:
                    if start_s > self._until_s:
                        return None
                    nodes = set_of_indices(found.nodes)
                    if self._holds.all_free(nodes, *self._slots(record, start_s)):
                        return Planned(start_s, found.nodes)
                    retry_s = start_s if start_s > from_s else retry_s
            if retry_s is None:
                return None
            from_s = retry_s

    def _slots(self, record: Record, start_s: float) -> tuple[float, float]:
        """Begin and end of the slots that the job would hold; at least one."""
        config = self._state.config
        end_s = start_s + planned_run_s(record)
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
        self._releases_then = None
        self._by_row.clear()
        self._tests.clear()
        self._first_rows.clear()
        self._first_fits.clear()

    @property
    def _releases(self) -> Releases:
        if self._releases_then is None:
            state, now_s = self._state, self._now_s
            self._releases_then = Releases(
                state.room,
                [
                    Release(expected_end_s(r.start_s, r.limit_s, now_s, state.config), r.allocation)
                    for r in state.running.values()
                ],
            )
        return self._releases_then

    def _fit_at(self, grain: Grain, row: int) -> Fit:
        """What each node could take after so many expected ends, of nodes that are open to it."""
        if not row:
            return self._state.fit_now(grain)
        if grain.whole_nodes:
            return self._state.full_fit(grain)
        if (grain, row) not in self._by_row:
            room = self._releases.room_at(row)
            self._by_row[grain, row] = fit(grain, self._state.nodes, room)
        return self._by_row[grain, row]

    def _open_at(self, grain: Grain, row: int, nodes: NodeSet) -> NodeSet:
        """Those of the nodes that are open to it then as far as jobs are concerned."""
        return nodes & self._releases.idle_by(row) if grain.whole_nodes else nodes

    def _fits_at(self, need: Need, row: int, nodes: NodeSet) -> bool:
        nodes = self._open_at(need.grain, row, nodes)
        return nodes.bit_count() >= (need.node_count or 1) and fits(
            need, self._fit_at(need.grain, row), nodes
        )

    def _first_fit(self, need: Need, open_nodes: NodeSet, by_s: float | None) -> Planned | None:
        """The first of Slurm's tests at which the need fits on the nodes; None also where that is
        sure to be later than ``by_s``.
        """
        key = need, open_nodes
        if key not in self._first_rows:
            if by_s is not None and self._is_later(need, open_nodes, by_s):
                return None
            self._first_rows[key] = self._first_row(need, open_nodes)
        row = self._first_rows[key]
        if row is None:
            return None
        if by_s is not None and self._tells_row_ends and self._end_s(row) > by_s:
            return None
        if key not in self._first_fits:
            self._first_fits[key] = self._chosen(need, open_nodes, row)
        return self._first_fits[key]

    def _is_later(self, need: Need, open_nodes: NodeSet, by_s: float) -> bool:
        """Whether the need surely fits later only. Cheap for whole nodes, not tried for others."""
        if not (need.grain.whole_nodes and self._tells_row_ends):
            return False
        return not self._fits_at(need, self._releases.row_at(by_s), open_nodes)

    def _first_row(self, need: Need, open_nodes: NodeSet) -> int | None:
        if not self._fits_at(need, self._releases.last_row, open_nodes):
            return None
        rows = self._rows(need.grain, open_nodes)
        # More is free from row to row: where the need fits, it fits ever after.
        return rows[bisect_left(rows, True, key=lambda row: self._fits_at(need, row, open_nodes))]

    def _chosen(self, need: Need, open_nodes: NodeSet, row: int) -> Planned | None:
        """The nodes that it takes at that row, or at the next one where it gets any."""
        rows = self._rows(need.grain, open_nodes)
        for later in rows[bisect_left(rows, row) :]:
            nodes_then = self._open_at(need.grain, later, open_nodes)
            found = self._fit_at(need.grain, later).on(nodes_then)
            nodes = choose(need, self._state.nodes, found)
            if nodes is not None:
                return Planned(self._start_s(later, nodes), nodes)
        return None

    def _rows(self, grain: Grain, open_nodes: NodeSet) -> list[int]:
        if open_nodes not in self._tests:
            self._tests[open_nodes] = self._releases.look_ahead(
                open_nodes,
                linear_s=self._state.config.bf_window_linear_s,
                origin_s=self._state.origin_s,
                within=grain.nodes,
            )
        return self._tests[open_nodes]

    def _start_s(self, row: int, nodes: IntArray) -> float:
        """Up to 24.11 the end of the last job removed, from 25.05 of the last on these nodes."""
        end_s = self._end_s(row)
        if self._tells_row_ends or row == 0:
            return end_s
        return self._releases.last_end_s(set_of_indices(nodes), end_s)

    def _end_s(self, row: int) -> float:
        return self._releases.ends_s[row - 1] if row else self._now_s

    def _open(self, record: Record, from_s: float) -> tuple[NodeSet, float | None]:
        """Nodes that nobody else holds or reserves while the job would run from that time on, and
        when to look again."""
        end_s = from_s + planned_run_s(record)
        free = record.need.grain.nodes & self._state.usable_in_plan
        others = self._others(record, from_s, end_s)
        for reservation in others:
            free &= ~self._state.reserved_nodes[reservation.name]
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
            and self._state.reserved_nodes[reservation.name] & record.need.grain.nodes
        ]
