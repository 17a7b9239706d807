"""What is free on each node of a future, in steps, given which of its jobs count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.futures.future import FloatArray, Future
from planner.sim.cluster import BoolArray, IntArray, World
from planner.sim.needs import Grain
from planner.sim.occupancy import Room
from planner.sim.placement import Fit, fit

FAR_MS = 1 << 42  # later than anything
_CPUS, _MEM, _JOBS, _CLOSED, _GPUS = range(5)  # columns of what is held; GPU types follow
_IDLE, _BACK, _TAKEN = range(3)  # what begins a segment, in the order of one instant


def milliseconds(of_s: FloatArray | float) -> IntArray:
    """Whole ones, so that just before and just after can be told apart."""
    found: IntArray = np.rint(np.minimum(np.asarray(of_s), FAR_MS / 1000) * 1000).astype(np.int64)
    return found


class Segments:
    """Times between two changes of a node, node by node. Segment i begins as ``job[i]`` takes some
    of the node or gives it back, and ends with the next one of the node.

    Of jobs that start at one instant the first in the queue takes first. Job -1 closes nodes that
    others have reserved, or that are usable in the plan only. Milliseconds from the origin.
    ``end_s``: when each job gives back, if not as in the future.
    """

    node: IntArray
    job: IntArray
    at_ms: IntArray
    until_ms: IntArray
    takes: BoolArray
    is_last: BoolArray  # of its node
    limit_ms: IntArray  # by job

    def __init__(
        self,
        world: World,
        future: Future,
        place_in_queue: IntArray,
        end_s: FloatArray | None = None,
    ) -> None:
        ends_s = future.end_s if end_s is None else end_s
        node, job, at_s, kind, change = _changes(world, future, ends_s)
        at_ms, place = milliseconds(at_s), np.append(place_in_queue, -1)[job]
        order = np.lexsort((place, kind, at_ms, node))
        self.node, self.job, self.at_ms = node[order], job[order], at_ms[order]
        self._change = np.ascontiguousarray(change[order].T, dtype=np.int32)  # half the memory
        self.takes = kind[order] == _TAKEN
        self._is_first = np.append(True, self.node[1:] != self.node[:-1])
        self.is_last = np.append(self._is_first[1:], True)
        self.until_ms = np.where(self.is_last, FAR_MS, np.append(self.at_ms[1:], FAR_MS))
        self.limit_ms = np.append(milliseconds(future.limit_s), -1)
        self._nodes, self._idle = world.nodes, _idle(world)

    def fit(self, grain: Grain, counts: BoolArray) -> Fit:
        """How much of the grain each segment has room for, of jobs only those that count in the
        way; the ``nodes`` of the fit are segments."""
        change = self._change * np.append(counts, True)[self.job]
        held = np.cumsum(change, axis=1, dtype=np.int64)
        free = self._idle[:, self.node] - held
        mask = (grain.mask & self._nodes.usable_in_plan)[self.node] & (held[_CLOSED] == 0)
        if grain.mem_mib_per_node is None:  # what the fit would compare whole nodes for
            mask &= held[_MEM] == 0
            grain = replace(grain, mem_mib_per_node=0, mem_mib_per_cpu=0)
        room = Room(free[_CPUS], free[_MEM], free[_GPUS:].T, held[_JOBS])
        return fit(replace(grain, mask=mask), self._nodes, room)

    def runs(self, is_open: BoolArray) -> tuple[IntArray, IntArray]:
        """First and last segment of each longest run of open ones on a node."""
        before = np.append(False, is_open[:-1]) & ~self._is_first
        after = np.append(is_open[1:], False) & ~self.is_last
        return np.flatnonzero(is_open & ~before), np.flatnonzero(is_open & ~after)

    def least_after(self, values: IntArray) -> IntArray:
        """The least value of the later segments of the node of each; FAR_MS: none is later."""
        offset = self.node * (2 * FAR_MS)  # an earlier node has lower ones: each begins anew
        least = np.minimum.accumulate((values + offset)[::-1])[::-1] - offset
        return np.where(self.is_last, FAR_MS, np.append(least[1:], FAR_MS))


def _changes(
    world: World, future: Future, ends_s: FloatArray
) -> tuple[IntArray, IntArray, FloatArray, IntArray, IntArray]:
    """Node, job, time, kind and amounts of each change: every node idle, what is taken from it,
    and the same given back."""
    held, count, jobs = future.held, len(world.nodes), future.row_of
    start_s = np.maximum(future.start_s, 0.0)[jobs]
    end_s = ends_s[jobs]
    lasts = end_s > start_s
    closed = _closures(world)
    amounts = np.zeros((int(lasts.sum()) + len(closed), _GPUS + held.gpus.shape[1]), np.int64)
    of_jobs = amounts[: len(amounts) - len(closed)]
    of_jobs[:, _CPUS], of_jobs[:, _MEM] = held.cpus[lasts], held.mem_mib[lasts]
    of_jobs[:, _JOBS] = 1
    of_jobs[:, _GPUS:] = held.gpus[lasts]
    amounts[len(of_jobs) :, _CLOSED] = 1
    node = np.append(held.nodes[lasts], closed[:, 0].astype(np.int64))
    job = np.append(jobs[lasts], np.full(len(closed), -1))
    from_s, to_s = np.append(start_s[lasts], closed[:, 1]), np.append(end_s[lasts], closed[:, 2])
    return (
        np.concatenate((np.arange(count), node, node)),
        np.concatenate((np.full(count, -1), job, job)),
        np.concatenate((np.zeros(count), from_s, to_s)),
        np.repeat((_IDLE, _TAKEN, _BACK), (count, len(node), len(node))),
        np.concatenate((np.zeros((count, amounts.shape[1]), np.int64), amounts, -amounts)),
    )


def _closures(world: World) -> FloatArray:
    """Rows of node, from, until."""
    back = np.flatnonzero(world.nodes.usable_in_plan & ~world.nodes.usable_now)
    spans = [(back, 0.0, world.config.kill_wait_s)]
    spans += [
        (np.flatnonzero(one.nodes), max(0.0, one.start_s), one.end_s)
        for one in world.reservations
        if one.end_s > 0
    ]
    rows = [
        np.column_stack((nodes, np.full(len(nodes), from_s), np.full(len(nodes), until_s)))
        for nodes, from_s, until_s in spans
    ]
    return np.concatenate(rows)


def _idle(world: World) -> IntArray:
    nodes = world.nodes
    none = np.zeros(len(nodes), np.int64)
    return np.vstack((nodes.cpus, nodes.mem_mib, none, none, nodes.gpus.T)).astype(np.int64)
