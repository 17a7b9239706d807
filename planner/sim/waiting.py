"""Who waits: the first in the queue that fits a gap, found without looking at all of them.

Waiting jobs of one size form a Cartesian tree: from left to right in the order of the queue, and
nobody below a node has a shorter estimate than the node's own. The first that is short enough is
then found downhill from the root, along nodes that are. A look, a join and a leave take the
logarithm of the number that wait in a usual queue, however long that is, and a look as many steps
more as there are sizes; only estimates that rise from job to job make a tree a list.
(Vuillemin, CACM 1980; ties between estimates are broken at random, as in a treap.)
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NONE = -1
_SCATTER = 0x9E3779B1  # an odd number near 2**32 / golden ratio: its multiples look random


class Waiting:
    """Jobs are indices in the order of the queue; they join in that order."""

    def __init__(self, procs: Sequence[int], est_s: NDArray[np.float64]) -> None:
        jobs = len(est_s)
        self._procs = procs
        self._est_s = array("d", est_s.tobytes())
        self._rank = _ranks(est_s)
        self._left = [_NONE] * jobs
        self._right = [_NONE] * jobs
        self._sizes: list[int] = []  # of those that wait, in order
        self._roots: dict[int, int] = {}  # by size
        self._fronts: dict[int, int] = {}  # the first of each size

    def join(self, job: int) -> None:
        size, rank, right = self._procs[job], self._rank, self._right
        above, node = _NONE, self._roots.get(size, _NONE)
        if node == _NONE:
            insort(self._sizes, size)
            self._fronts[size] = job
        while node != _NONE and rank[node] < rank[job]:
            above, node = node, right[node]
        self._left[job] = node
        if above == _NONE:
            self._roots[size] = job
        else:
            right[above] = job

    def leave(self, job: int) -> None:
        size, left, right = self._procs[job], self._left, self._right
        above, node = _NONE, self._roots[size]
        while node != job:
            above, node = node, left[node] if job < node else right[node]
        below = self._merged(left[job], right[job])
        left[job] = right[job] = _NONE
        if above != _NONE:
            (left if job < above else right)[above] = below
        elif below != _NONE:
            self._roots[size] = below
        else:
            del self._roots[size], self._fronts[size]
            del self._sizes[bisect_left(self._sizes, size)]
            return
        if job == self._fronts[size]:
            self._fronts[size] = above if below == _NONE else self._leftmost(below)

    def _leftmost(self, node: int) -> int:
        while (before := self._left[node]) != _NONE:
            node = before
        return node

    def _merged(self, before: int, after: int) -> int:
        """The root of two trees made one, all jobs of the first before those of the second."""
        rank, left, right = self._rank, self._left, self._right
        if before == _NONE:
            return after
        if after == _NONE:
            return before
        root = before if rank[before] < rank[after] else after
        above, side = _NONE, left
        while before != _NONE and after != _NONE:  # noqa: PLR1714 (half the time of a tuple)
            if rank[before] < rank[after]:
                top, next_side, before = before, right, right[before]
            else:
                top, next_side, after = after, left, left[after]
            if above != _NONE:
                side[above] = top
            above, side = top, next_side
        side[above] = after if before == _NONE else before
        return root

    def first(self, free: int, extra: int, now_s: float, shadow_s: float) -> int | None:
        """The first that wants no more than is free, and either no more than the extra or to end
        by the shadow time."""
        found: int | None = None
        est_s, left, roots = self._est_s, self._left, self._roots
        for size in self._sizes:
            if size > free:
                break
            node = roots[size]
            if size <= extra:
                node = self._fronts[size]
            elif now_s + est_s[node] > shadow_s:
                continue
            else:
                while (before := left[node]) != _NONE and now_s + est_s[before] <= shadow_s:
                    node = before
            if found is None or node < found:
                found = node
        return found


def _ranks(est_s: NDArray[np.float64]) -> array[int]:
    """Places by estimate, those of one estimate shuffled."""
    jobs = len(est_s)
    shuffled = np.arange(jobs) * _SCATTER % 2**32
    ranks = np.empty(jobs, dtype=np.int64)
    order = np.argsort(shuffled)
    ranks[order[np.argsort(est_s[order], kind="stable")]] = np.arange(jobs)
    return array("q", ranks.tobytes())
