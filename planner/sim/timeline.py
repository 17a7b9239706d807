"""When the scheduler expects running jobs to end, and what is free after each of them.

Running jobs end at their limits; cores, memory and GPUs count, not whole nodes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.config import SchedulerConfig
from planner.sim.nodeset import NodeSet, set_of_mask
from planner.sim.occupancy import Allocation, Room, joined

_FIRST_WINDOW_S = 30.0  # of the look-ahead over running jobs; then doubled


def expected_end_s(start_s: float, limit_s: float, now_s: float, config: SchedulerConfig) -> float:
    """When the scheduler expects a running job to end: at its limit, never earlier.

    A job over its limit ends after OverTimeLimit and KillWait, and never before the next second.
    """
    end_s = start_s + limit_s
    if end_s > now_s:
        return end_s
    return max(end_s + config.over_time_limit_s + config.kill_wait_s, now_s + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Release:
    end_s: float
    allocation: Allocation


class Releases:
    """Expected ends in order. Row 0 is now, row i the instant after the i-th end."""

    def __init__(self, room: Room, running: Sequence[Release]) -> None:
        in_order = sorted(running, key=lambda release: release.end_s)
        self.ends_s = [release.end_s for release in in_order]
        self._allocations = [release.allocation for release in in_order]
        self._node_sets = [release.allocation.node_set for release in in_order]
        self._rooms = {0: room}  # by row, those asked for so far
        self._rooms_asked = [0]
        self._idle_by: dict[int, NodeSet] = {}
        self._ends_known: dict[NodeSet, list[int]] = {}

    @property
    def last_row(self) -> int:
        return len(self.ends_s)

    def room_at(self, row: int) -> Room:
        """What is free then. To be looked at, not changed."""
        if row not in self._rooms:
            before = self._rooms_asked[bisect_left(self._rooms_asked, row) - 1]
            room = self._rooms[before].copy()
            first, after = self._first_entry[[before, row]].tolist()
            held = self._held
            room.give_back_rows(
                Allocation(
                    *(a[first:after] for a in (held.nodes, held.cpus, held.mem_mib, held.gpus))
                )
            )
            self._rooms[row] = room
            insort(self._rooms_asked, row)
        return self._rooms[row]

    def idle_by(self, row: int) -> NodeSet:
        """Nodes without a job then."""
        if row not in self._idle_by:
            self._idle_by[row] = set_of_mask(self._idle_from <= row)
        return self._idle_by[row]

    def row_at(self, at_s: float) -> int:
        """The last row that is no later than this."""
        return bisect_right(self.ends_s, at_s)

    def look_ahead(
        self, nodes: NodeSet, *, linear_s: float, origin_s: float, within: NodeSet | None = None
    ) -> list[int]:
        """Rows at which Slurm tests a job that may use these nodes: now, then after each window.

        Windows end 30 s after a full half minute of the wall clock, then twice as far each time (or
        ``linear_s`` further), and only a job on these nodes can close one: as coded, what runs
        elsewhere in between widens a window. ``within``: a larger set, that many others share.
        """
        ends_s, on, rows = self.ends_s, self._node_sets, [0]
        known = self._ends_on(nodes if within is None else within)
        first, last = 0, len(known) - 1  # places in known
        while first <= last and not on[known[first]] & nodes:
            first += 1
        while first <= last and not on[known[last]] & nodes:
            last -= 1
        if first > last:
            return rows
        barrier_s = ends_s[known[first]] + _FIRST_WINDOW_S
        barrier_s -= (ends_s[known[first]] + origin_s) % _FIRST_WINDOW_S
        width_s = _FIRST_WINDOW_S
        while first <= last:
            # The window closes with an end after which the next one, wherever, is too late.
            closing = bisect_right(ends_s, barrier_s + width_s) - 1
            place = max(first, bisect_left(known, closing))
            while place < last and not on[known[place]] & nodes:
                place += 1
            first = min(place, last) + 1
            rows.append(known[first - 1] + 1)
            width_s = width_s + linear_s if linear_s > 0 else width_s * 2
            while rows[-1] < len(ends_s) and ends_s[rows[-1]] > barrier_s + width_s:
                width_s = width_s + linear_s if linear_s > 0 else width_s * 2
        return rows

    def _ends_on(self, nodes: NodeSet) -> list[int]:
        """Indices of the ends of jobs on these nodes."""
        if nodes not in self._ends_known:
            on = self._node_sets
            self._ends_known[nodes] = [i for i in range(len(on)) if on[i] & nodes]
        return self._ends_known[nodes]

    def last_end_s(self, nodes: NodeSet, until_s: float) -> float:
        """Latest expected end up to ``until_s`` of a job on these nodes; -inf if none."""
        for row in range(bisect_right(self.ends_s, until_s) - 1, -1, -1):
            if self._node_sets[row] & nodes:
                return self.ends_s[row]
        return -inf

    @cached_property
    def _held(self) -> Allocation:
        """What all of them hold, entry by entry."""
        return joined(self._allocations)

    @cached_property
    def _first_entry(self) -> IntArray:
        """Of the release after each row; with the last row the number of entries."""
        return np.cumsum([0, *(len(a.nodes) for a in self._allocations)])

    @cached_property
    def _idle_from(self) -> IntArray:
        """The row from which on each node is idle."""
        rows = np.repeat(np.arange(1, self.last_row + 1), np.diff(self._first_entry))
        idle_from = np.zeros(len(self._rooms[0].cpus), dtype=np.int64)
        if rows.size:
            np.maximum.at(idle_from, self._held.nodes, rows)
        return idle_from
