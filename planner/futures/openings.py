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
    that comes first, from when it starts in the future, unless it does not bind yet. Each has a
    worth; runs of a node with different room are told apart by several of these.
    """

    def __init__(
        self, segments: Segments, ahead: Ahead, room: tuple[BoolArray, BoolArray], worth: int = 1
    ) -> None:
        """``room``: by segment, whether there is some beside all jobs, and beside those that come
        first alone."""
        has_room, has_room_but_for_first = room
        is_first = np.append(ahead.is_first, True)[segments.job]
        # One that starts at the end of a run gives way there if it comes later.
        gives_way = np.append((segments.takes & ~is_first)[1:], False) & ~segments.is_last
        is_open = has_room & ((segments.until_ms > segments.at_ms) | gives_way)
        begins, ends = segments.runs(is_open)
        last_ms = segments.until_ms[ends] - ~gives_way[ends]
        order = np.argsort(segments.at_ms[begins], kind="stable")
        self._segments = segments
        self.begin_ms: IntArray = segments.at_ms[begins][order]
        self.node: IntArray = segments.node[begins][order]
        self._ends, self._last_ms = ends[order], last_ms[order]
        self._shuts = segments.takes & is_first & ~has_room_but_for_first
        binds_from_ms = np.append(milliseconds(ahead.binds_from_s), -FAR_MS)
        self._free_until_ms = binds_from_ms[segments.job] - 1
        self._worth = worth

    def worth_at(self, at_ms: IntArray, length_ms: int, among: BoolArray | None = None) -> IntArray:
        """Worth of those in which a job of the length could begin, at each time; ``among``: of the
        nodes of these only."""
        shut_ms = np.maximum(self._segments.at_ms - length_ms, self._free_until_ms)
        least_ms = self._segments.least_after(np.where(self._shuts, shut_ms, FAR_MS))
        last_ms = np.minimum(self._last_ms, least_ms[self._ends])
        counts = last_ms >= self.begin_ms
        if among is not None:
            counts &= among[self.node]
        begun = np.searchsorted(self.begin_ms[counts], at_ms, side="right")
        over = np.searchsorted(np.sort(last_ms[counts]), at_ms, side="left")
        found: IntArray = (begun - over) * self._worth
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """So much of what openings are worth together."""

    amount: int
    openings: list[Openings]
    among: BoolArray | None = None  # nodes

    def enough(self, at_ms: IntArray, length_ms: int) -> BoolArray:
        worth = sum(one.worth_at(at_ms, length_ms, self.among) for one in self.openings)
        found: BoolArray = np.asarray(worth >= self.amount)
        return found


def asked(need: Need, segments: Segments, ahead: Ahead, nodes: int) -> Iterator[Asked]:
    """All of them must be enough at once.

    A given number of nodes is taken to share tasks and GPUs evenly: one that fits unevenly only is
    found too late. With none given a node is worth what it can take, in ``LEVELS`` steps.
    """
    everyone = np.ones_like(ahead.is_first)
    fits = segments.fit(need.grain, everyone), segments.fit(need.grain, ahead.is_first)

    def openings(has_room: Callable[[Fit], BoolArray], worth: int = 1) -> Openings:
        now, but_for_first = (np.zeros(len(segments.node), dtype=np.bool_) for _ in fits)
        now[fits[0].nodes], but_for_first[fits[1].nodes] = map(has_room, fits)
        return Openings(segments, ahead, (now, but_for_first), worth)

    if (count := need.node_count) is not None:
        tasks, job_gpus = -(-need.tasks // count), -(-need.job_gpus // count)
        even = [openings(lambda fit: (fit.tasks >= tasks) & (_gpus(fit) >= job_gpus))]
        yield Asked(count, even)
        if need.required:
            yield Asked(need.required.bit_count(), even, mask_of(need.required, nodes))
        return
    for amount, amounts in ((need.tasks, _tasks), (need.job_gpus, _gpus)):
        most = int(amounts(fits[1]).max(initial=1))
        yield Asked(
            amount,
            [
                openings(lambda fit, level=level, of=amounts: of(fit) >= level, worth)  # type: ignore[misc]
                for level, worth in _levels(min(amount, most))
            ],
        )


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
