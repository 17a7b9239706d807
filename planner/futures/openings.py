"""When a job of a given length could begin as far as nodes go: enough stay free throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from planner.futures.ahead import Ahead
from planner.futures.segments import FAR_MS, Segments, milliseconds
from planner.sim.cluster import BoolArray, IntArray
from planner.sim.needs import Need
from planner.sim.nodeset import mask_of
from planner.sim.placement import Fit

LEVELS = 8  # steps in which the room of a node is seen where tasks may be split in any way


class Openings:
    """Times at which nodes have room, one run of segments each.

    At an instant every job is in the way that has started before it, whatever its rank; then each
    that comes first, from when it starts in the future, unless it does not bind yet. But where a
    job of lower rank has started, there was time for what is no longer. Each run has a worth; those
    of a node with different room are told apart by several of these.
    """

    def __init__(
        self, segments: Segments, ahead: Ahead, room: tuple[BoolArray, BoolArray], worth: int = 1
    ) -> None:
        """``room``: by segment, whether there is some beside all jobs, and beside those that come
        first alone."""
        has_room, has_room_but_for_first = room
        job = segments.job
        is_first = np.append(ahead.is_first, True)[job]
        # One that starts at the end of a run gives way there if it comes later.
        gives_way = np.append((segments.takes & ~is_first)[1:], False) & ~segments.is_last
        is_open = has_room & ((segments.until_ms > segments.at_ms) | gives_way)
        begins, ends = segments.runs(is_open)
        self._segments = segments
        self._begin_ms = segments.at_ms[begins]
        self._last_ms = segments.until_ms[ends] - ~gives_way[ends]
        self._node, self._ends = segments.node[begins], ends
        taker = job[np.minimum(ends + 1, len(job) - 1)]
        self._taken_for_ms = np.where(gives_way[ends], segments.limit_ms[taker], -1)
        self._shuts = segments.takes & is_first & ~has_room_but_for_first
        self._free_until_ms = np.append(milliseconds(ahead.binds_from_s), -FAR_MS)[job] - 1
        self.worth = worth

    @property
    def times_ms(self) -> IntArray:
        """When a job may become able to begin."""
        return np.append(self._begin_ms, self._last_ms[self._taken_for_ms >= 0])

    def spans(self, length_ms: int) -> tuple[IntArray, IntArray, IntArray]:
        """First and last time at which a job of the length could begin, and the node."""
        shut_ms = np.maximum(self._segments.at_ms - length_ms, self._free_until_ms)
        least_ms = self._segments.least_after(np.where(self._shuts, shut_ms, FAR_MS))
        last_ms = np.minimum(self._last_ms, least_ms[self._ends])
        some = last_ms >= self._begin_ms
        late = (last_ms < self._last_ms) & (self._taken_for_ms >= length_ms)
        return (
            np.append(self._begin_ms[some], self._last_ms[late]),
            np.append(last_ms[some], self._last_ms[late]),
            np.append(self._node[some], self._node[late]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """So much of what openings are worth together."""

    amount: int
    openings: list[Openings]
    among: BoolArray | None = None  # nodes

    def enough(self, at_ms: IntArray, length_ms: int) -> BoolArray:
        """Whether a job of the length could begin, at each time."""
        worth = np.zeros(len(at_ms), dtype=np.int64)
        for one in self.openings:
            first_ms, last_ms, node = one.spans(length_ms)
            if self.among is not None:
                first_ms, last_ms = first_ms[self.among[node]], last_ms[self.among[node]]
            begun = np.searchsorted(np.sort(first_ms), at_ms, side="right")
            over = np.searchsorted(np.sort(last_ms), at_ms, side="left")
            worth += (begun - over) * one.worth
        found: BoolArray = worth >= self.amount
        return found

    def nodes_at(self, at_ms: int, length_ms: int) -> IntArray:
        """As few as are enough then, the roomiest first."""
        worth = np.zeros(0)
        for one in self.openings:
            first_ms, last_ms, node = one.spans(length_ms)
            here = np.bincount(node[(first_ms <= at_ms) & (at_ms <= last_ms)], minlength=len(worth))
            worth = np.pad(worth, (0, len(here) - len(worth))) + here * one.worth
        order = np.argsort(-worth, kind="stable")
        found: IntArray = order[: int(np.searchsorted(np.cumsum(worth[order]), self.amount)) + 1]
        return found


def asked(need: Need, segments: Segments, ahead: Ahead, stays: BoolArray) -> list[Asked]:
    """All of them must be enough at once. ``stays``: by job, those in the way once they started.

    A given number of nodes is taken to share tasks and GPUs evenly: one that fits unevenly only is
    found too late. With none given a node is worth what it can take, in ``LEVELS`` steps.
    """
    but_for_first = segments.fit(need.grain, ahead.is_first)
    now = but_for_first if stays is ahead.is_first else segments.fit(need.grain, stays)

    def openings(has_room: Callable[[Fit], BoolArray], worth: int = 1) -> Openings:
        room = np.zeros((2, len(segments.node)), dtype=np.bool_)
        room[0, now.nodes], room[1, but_for_first.nodes] = has_room(now), has_room(but_for_first)
        return Openings(segments, ahead, (room[0], room[1]), worth)

    if (count := need.node_count) is not None:
        tasks, job_gpus = -(-need.tasks // count), -(-need.job_gpus // count)
        even = [openings(lambda fit: (fit.tasks >= tasks) & (_gpus(fit) >= job_gpus))]
        required = mask_of(need.required, len(need.grain.mask))
        must = [Asked(int(required.sum()), even, required)] if need.required else []
        return [Asked(count, even), *must]
    found = []
    for amount, of in ((need.tasks, _tasks), (need.job_gpus, _gpus)):
        most = int(of(but_for_first).max(initial=1))
        levels = _levels(min(amount, most))
        by_level = [
            openings(lambda fit, level=level, of=of: of(fit) >= level, worth)  # type: ignore[misc]
            for level, worth in levels
        ]
        if by_level:
            found.append(Asked(amount, by_level))
    return found


def _tasks(fit: Fit) -> IntArray:
    return fit.tasks


def _gpus(fit: Fit) -> IntArray:
    return np.zeros_like(fit.tasks) if fit.gpus is None else fit.gpus


def _levels(most: int) -> Iterator[tuple[int, int]]:
    """Amounts up to the most, and how much more each is than the one before."""
    before = 0
    for level in sorted({-(-most * step // LEVELS) for step in range(1, LEVELS + 1)} - {0}):
        yield level, level - before
        before = level
