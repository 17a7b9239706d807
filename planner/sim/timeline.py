"""What the scheduler believes about the future: when running jobs end, and what is held.

The two halves of a backfill plan. ``Releases`` counts cores, memory and GPUs of running jobs,
which end at their limits; ``Holds`` blocks whole nodes for planned jobs, as Slurm's node_space
does, so a planned one-core job hides the rest of its node from every lower job for that while.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.config import SchedulerConfig
from planner.sim.occupancy import Allocation, Room

FloatArray = npt.NDArray[np.float64]

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
    """Free amounts row by row: row 0 is now, row i after the i-th expected end."""

    def __init__(self, room: Room, running: Sequence[Release]) -> None:
        in_order = sorted(running, key=lambda release: release.end_s)
        self.ends_s: FloatArray = np.array([r.end_s for r in in_order], dtype=np.float64)
        rows = len(in_order) + 1
        self.touches: BoolArray = np.zeros((len(in_order), len(room.cpus)), dtype=np.bool_)
        self.room = Room(*(_rows(rows, a) for a in (room.cpus, room.mem_mib, room.gpus, room.jobs)))
        for row, release in enumerate(in_order, start=1):
            allocation = release.allocation
            self.touches[row - 1, allocation.nodes] = True
            self.room.cpus[row, allocation.nodes] = allocation.cpus
            self.room.mem_mib[row, allocation.nodes] = allocation.mem_mib
            self.room.gpus[row, allocation.nodes] = allocation.gpus
            self.room.jobs[row, allocation.nodes] = -1
        for amounts in (self.room.cpus, self.room.mem_mib, self.room.gpus, self.room.jobs):
            np.cumsum(amounts, axis=0, out=amounts)

    def look_ahead(self, nodes: BoolArray, *, linear_s: float, origin_s: float) -> IntArray:
        """Rows at which Slurm tests a job that may use these nodes: now, then after each window.

        Windows end 30 s after a full half minute of the wall clock, then twice as far each time (or
        ``linear_s`` further), and only a job on these nodes can close one: as coded, what runs
        elsewhere in between widens a window.
        """
        mine = np.asarray((self.touches & nodes).any(axis=1))
        rows = [0]
        first = int(mine.argmax()) if mine.any() else len(mine)
        if first == len(mine):
            return np.array(rows, dtype=np.int64)
        barrier_s = self.ends_s[first] + _FIRST_WINDOW_S
        barrier_s -= (self.ends_s[first] + origin_s) % _FIRST_WINDOW_S
        width_s = _FIRST_WINDOW_S
        after_s = np.append(self.ends_s[1:], np.inf)  # end of the next job, wherever it runs
        last = len(mine) - 1
        while first <= last:
            closing = mine[first:] & (after_s[first:] > barrier_s + width_s)
            if closing.any():
                row = first + int(closing.argmax())
            elif mine[first:].any():
                row = first + int(np.flatnonzero(mine[first:])[-1])
            else:
                break
            rows.append(row + 1)
            first = row + 1
            width_s = width_s + linear_s if linear_s > 0 else width_s * 2
            while first <= last and self.ends_s[first] > barrier_s + width_s:
                width_s = width_s + linear_s if linear_s > 0 else width_s * 2
        return np.array(rows, dtype=np.int64)

    def last_end_s(self, nodes: IntArray, until_s: float) -> float:
        """Latest expected end up to ``until_s`` of a job on these nodes; -inf if none."""
        ends_s = self.ends_s[self.touches[:, nodes].any(axis=1)]
        ends_s = ends_s[ends_s <= until_s]
        return float(ends_s[-1]) if ends_s.size else -inf


def _rows(rows: int, now: IntArray) -> IntArray:
    amounts = np.zeros((rows, *now.shape), dtype=np.int64)
    amounts[0] = now
    return amounts


class Holds:
    """Whole nodes held for planned jobs: segments of time x nodes."""

    def __init__(self, now_s: float, node_count: int) -> None:
        self._edges_s = [now_s]  # segment i is [edge i, edge i + 1), the last is endless
        self._held: list[BoolArray] = [np.zeros(node_count, dtype=np.bool_)]
        self._index()

    def hold(self, start_s: float, end_s: float, nodes: IntArray) -> None:
        first, after = self._segment_from(start_s), self._segment_from(end_s)
        for segment in range(first, after):
            self._held[segment][nodes] = True
        for segment in range(min(after, len(self._held) - 1), max(first, 1) - 1, -1):
            # Equal neighbours become one, as in Slurm: how far free() looks depends on it.
            if np.array_equal(self._held[segment], self._held[segment - 1]):
                del self._held[segment], self._edges_s[segment]
        self._index()

    def free(
        self, nodes: BoolArray, start_s: float, end_s: float
    ) -> tuple[BoolArray, float | None]:
        """Those of the nodes that are not held from start to end, both included, and when another
        look is worth it: the next edge at which one of them opens; None if none does.
        """
        first = max(int(self.edges_s.searchsorted(start_s, side="right")) - 1, 0)
        after = max(int(self.edges_s.searchsorted(end_s, side="right")), first + 1)
        before = self._held_before[first]
        free: BoolArray = nodes & (self._held_before[after] == before)
        next_after = min(after + 2, len(self._held))
        held_so_far = self._held_before[first + 1 : next_after] > before
        held_next = self._held_before[first + 2 : next_after + 1]
        opens = held_next == self._held_before[first + 1 : next_after]
        worth_it = (nodes & held_so_far & opens).any(axis=1)
        if not worth_it.any():
            return free, None
        return free, float(self.edges_s[first + 1 + int(worth_it.argmax())])

    def all_free(self, nodes: IntArray, start_s: float, end_s: float) -> bool:
        """Whether none of the nodes is held at any moment of [start, end)."""
        first = max(int(self.edges_s.searchsorted(start_s, side="right")) - 1, 0)
        after = max(int(self.edges_s.searchsorted(end_s)), first + 1)
        held = self._held_before[after][nodes] != self._held_before[first][nodes]
        return not held.any()

    def _index(self) -> None:
        """Arrays to search by time, and how many segments before each hold a node."""
        self.edges_s: FloatArray = np.array(self._edges_s)
        self._held_before = np.zeros((len(self._held) + 1, len(self._held[0])), dtype=np.int32)
        np.cumsum(self._held, axis=0, out=self._held_before[1:])

    def _segment_from(self, at_s: float) -> int:
        """Index of the segment that starts at this time, split off if need be."""
        index = bisect_left(self._edges_s, at_s)
        if index == 0:
            return 0  # before the plan begins
        if index == len(self._edges_s) or self._edges_s[index] != at_s:
            self._edges_s.insert(index, at_s)
            self._held.insert(index, self._held[index - 1].copy())
        return index
