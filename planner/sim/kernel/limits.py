"""What jobs would add to limited usage: ``planner.sim.limits`` in arrays, for one cycle."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.jit import compiled
from planner.sim.queue import Record
from planner.sim.state import State

_WIDTH = 4  # demands of a record that there is room for at first


class LimitBook:
    """The demands of records by their number, and where their use is counted."""

    def __init__(self, state: State) -> None:
        self._state = state
        # Place 0 is where nothing is ever used: for want of a demand.
        self._counters: list[tuple[Mapping[Any, float], Hashable]] = [({"": 0.0}, "")]
        self._places: dict[int, dict[Hashable, int]] = {}  # by counter and name
        self._used: FloatArray = np.zeros(64)  # by place, as of the last count
        # By number of the record:
        self._place: IntArray = np.zeros((64, _WIDTH), dtype=np.int64)
        self._more: FloatArray = np.zeros((64, _WIDTH))
        self._limit: FloatArray = np.full((64, _WIDTH), np.inf)

    def note(self, number: int, record: Record) -> None:
        demands = self._demands(record)
        rows, width = self._place.shape
        if number >= rows or len(demands) > width:
            more = (0, max(0, number + 1 - rows, rows)), (0, max(0, len(demands) - width))
            self._place, self._more = np.pad(self._place, more), np.pad(self._more, more)
            self._limit = np.pad(self._limit, more, constant_values=np.inf)
        for column, (counter, name, amount, limit) in enumerate(demands):
            self._place[number, column] = self._place_of(counter, name)
            self._more[number, column], self._limit[number, column] = amount, limit

    def count(self) -> None:
        """Follow all usage."""
        for place, (counter, name) in enumerate(self._counters):
            self._used[place] = counter[name]

    def count_started(self, record: Record) -> None:
        """Follow what the start of the record changed."""
        for holder in record.holders:
            counter: Mapping[Any, float] = self._state.ledger.amounts(holder)
            for name, place in self._places.get(id(counter), {}).items():
                self._used[place] = counter[name]
        array_id, running = record.job.array_id, self._state.array_running
        if array_id in (places := self._places.get(id(running), {})):
            self._used[places[array_id]] = running[array_id]

    def keep(self, numbers: IntArray) -> BoolArray:
        """Whether each of these records keeps all limits, as of the last count."""
        return _keep(numbers, self._place, self._more, self._limit, self._used)

    def _demands(self, record: Record) -> list[tuple[Mapping[Any, float], Hashable, float, float]]:
        """Where it counts, under which name, how much the record adds, and how much may be."""
        state, job = self._state, record.job
        found: list[tuple[Mapping[Any, float], Hashable, float, float]] = []
        if state.config.enforce_limits:
            demands = state.demands(record)
            found += [(one.used, one.tres, one.more, one.limit) for one in demands]
        if job.array_throttle is not None:
            found.append((state.array_running, job.array_id, 1, job.array_throttle))
        return found

    def _place_of(self, counter: Mapping[Any, float], name: Hashable) -> int:
        places = self._places.setdefault(id(counter), {})
        if name not in places:
            place = places[name] = len(self._counters)
            self._counters.append((counter, name))
            if place == self._used.size:
                self._used = np.pad(self._used, (0, place))
            self._used[place] = counter[name]
        return places[name]


@compiled
def _keep(
    numbers: IntArray, place: IntArray, more: FloatArray, limit: FloatArray, used: FloatArray
) -> BoolArray:
    keeps = np.ones(numbers.size, dtype=np.bool_)
    for index in range(numbers.size):
        number = numbers[index]
        for column in range(place.shape[1]):
            if used[place[number, column]] + more[number, column] > limit[number, column]:
                keeps[index] = False
                break
    return keeps
