"""What a backfill plan holds: whole nodes for planned jobs, as Slurm's node_space does.

A planned one-core job hides the rest of its node from every lower job for that while.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import reduce
from operator import or_

from planner.sim.nodeset import NodeSet


class Holds:
    """Segments of time with the nodes held in each."""

    def __init__(self, now_s: float) -> None:
        self._edges_s = [now_s]  # segment i is [edge i, edge i + 1), the last is endless
        self._held: list[NodeSet] = [0]

    def hold(self, start_s: float, end_s: float, nodes: NodeSet) -> None:
        first, after = self._segment_from(start_s), self._segment_from(end_s)
        for segment in range(first, after):
            self._held[segment] |= nodes
        for segment in range(min(after, len(self._held) - 1), max(first, 1) - 1, -1):
            # Equal neighbours become one, as in Slurm: how far free() looks depends on it.
            if self._held[segment] == self._held[segment - 1]:
                del self._held[segment], self._edges_s[segment]

    def free(self, nodes: NodeSet, start_s: float, end_s: float) -> tuple[NodeSet, float | None]:
        """Those of the nodes that are not held from start to end, both included, and when another
        look is worth it: the next edge at which one of them opens; None if none does.
        """
        edges_s, held = self._edges_s, self._held
        first = self._segment_at(start_s)
        after = max(bisect_right(edges_s, end_s), first + 1)
        held_so_far = held[first]
        retry_s = None
        for segment in range(first + 1, min(after + 2, len(held))):
            if nodes & held_so_far & ~held[segment]:
                retry_s = edges_s[segment]
                break
            held_so_far |= held[segment]
        return nodes & ~self._union(first, after), retry_s

    def all_free(self, nodes: NodeSet, start_s: float, end_s: float) -> bool:
        """Whether none of the nodes is held at any moment of [start, end)."""
        first = self._segment_at(start_s)
        after = max(bisect_left(self._edges_s, end_s), first + 1)
        return not nodes & self._union(first, after)

    def _union(self, first: int, after: int) -> NodeSet:
        return reduce(or_, self._held[first:after])

    def _segment_at(self, at_s: float) -> int:
        return max(bisect_right(self._edges_s, at_s) - 1, 0)

    def _segment_from(self, at_s: float) -> int:
        """Index of the segment that starts at this time, split off if need be."""
        index = bisect_left(self._edges_s, at_s)
        if index == 0:
            return 0  # before the plan begins
        if index == len(self._edges_s) or self._edges_s[index] != at_s:
            self._edges_s.insert(index, at_s)
            self._held.insert(index, self._held[index - 1])
        return index
