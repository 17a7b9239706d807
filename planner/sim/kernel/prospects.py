"""Which jobs a cycle may still start, and the walk to the next of them: compiled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.walk import Line, Progress, hopeful, walk
from planner.sim.kernel.words import words_of
from planner.sim.mainsched import may_reserve
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.prospects import Step
from planner.sim.queue import Record
from planner.sim.state import State

if TYPE_CHECKING:
    from planner.sim.kernel.search import CompiledSearch


class CompiledProspects:
    """As ``Prospects``, but it also plans and holds for the jobs it passes over.

    One survey a cycle; from then on only what starts take away is looked at. Those that lose the
    room that they had stay among the hopeful: the walk asks anew before it believes it.
    """

    def __init__(
        self, records: Sequence[Record], state: State, search: CompiledSearch, now_s: float
    ) -> None:
        self._records, self._state, self._search, self._now_s = records, state, search, now_s
        self._at_change: int | None = None  # state.changes that the rest belongs to
        self._surveyed = 0  # the first place not looked at
        self._candidates: list[int] = []  # places, and of these records:
        self._numbers: IntArray = np.zeros(0, dtype=np.int64)
        self._reserves: BoolArray = np.zeros(0, dtype=np.bool_)
        self._hopeful: IntArray = np.zeros(0, dtype=np.int64)
        self._too_long_s: FloatArray = np.zeros(0)
        self._usable_now = words_of(state.usable_now, search.words)
        self._line: Line
        self._progress = Progress(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_))

    def next(self, place: int, most: int | None) -> Step | None:
        if self._at_change != self._state.changes:
            self._follow(place, most)
        search = self._search
        begin = bisect_left(self._candidates, place)
        timeline = search.timeline(len(self._candidates) - begin)
        found, count = walk(
            search.book.asks,
            self._line,
            self._progress,
            begin,
            self._usable_now,
            timeline,
            search.nodes,
        )
        if found < 0:
            return None
        taken = timeline.desk.taken
        allocation = Allocation(*(column[:count].copy() for column in taken)) if count else None
        return Step(self._candidates[found], found - begin, allocation)

    def note_hold(self, nodes: NodeSet) -> None:
        if nodes & self._state.free_nodes:
            self._progress.is_fresh[0] = False

    def _follow(self, place: int, most: int | None) -> None:
        """Drop the jobs that a start keeps from starting, and take in as many from further down."""
        before: IntArray | None = self._numbers
        if self._at_change is None:
            before, self._surveyed = None, place
            self._search.book.limits.count()
        else:
            self._drop(bisect_left(self._candidates, place))
        self._at_change = self._state.changes
        left = len(self._candidates) - bisect_left(self._candidates, place)
        if most is None or left < most:
            self._survey(None if most is None else most - left)
        if self._numbers is not before:
            self._line = self._lined_up()
        self._progress.is_fresh[0] = False

    def _lined_up(self) -> Line:
        book, numbers = self._search.book, self._numbers
        return Line(
            book.ask[numbers],
            book.run_s[numbers],
            book.own_reservation[numbers],
            self._reserves,
            book.by_hand[numbers],
            self._hopeful,
            self._too_long_s,
        )

    def _drop(self, begin: int) -> None:
        """Those before, which are dealt with, and of the rest those that may start no more."""
        started = next(reversed(self._state.running.values())).record
        limits = self._search.book.limits
        limits.count_started(started)
        stays = limits.keep(self._numbers[begin:])
        if len(started.pending.records) > 1:
            gone = [self._records[at].pending.left for at in self._candidates[begin:]]
            stays &= ~np.array(gone, dtype=np.bool_)
        if stays.all():
            return
        self._candidates = list(compress(self._candidates[begin:], stays))
        self._numbers, self._reserves = self._numbers[begin:][stays], self._reserves[begin:][stays]
        left = self._hopeful[: self._progress.hopeful[0]] - begin
        left = left[left >= 0]
        self._hopeful = (np.cumsum(stays) - 1)[left[stays[left]]]
        self._progress.hopeful[0] = self._hopeful.size

    def _survey(self, most: int | None) -> None:
        """Take in so many more."""
        found, numbers = self._next_candidates(most)
        if not found:
            return
        book = self._search.book
        timeline = self._search.timeline()
        more = hopeful(book.asks, book.ask[numbers], self._usable_now, timeline)
        known = self._hopeful[: self._progress.hopeful[0]]
        self._hopeful = np.concatenate([known, more + len(self._candidates)])
        self._progress.hopeful[0] = self._hopeful.size
        self._candidates += found
        self._numbers = np.concatenate([self._numbers, numbers])
        self._reserves = np.concatenate([self._reserves, self._may_reserve(found)])
        unknown = np.full(book.asks.grain.size - self._too_long_s.size, np.inf)
        self._too_long_s = np.concatenate([self._too_long_s, unknown])

    def _next_candidates(self, most: int | None) -> tuple[list[int], IntArray]:
        """Places and numbers of the next so many records that no rule keeps from starting."""
        records, book, obstacle = self._records, self._search.book, self._state.obstacle_but_limits
        found: list[int] = []
        numbers: IntArray = np.zeros(0, dtype=np.int64)
        while self._surveyed < len(records) and (most is None or len(found) < most):
            after = len(records)
            if most is not None:
                after = min(after, self._surveyed + most - len(found))
            places = [
                place
                for place in range(self._surveyed, after)
                if not records[place].pending.left and obstacle(records[place], self._now_s) is None
            ]
            self._surveyed = after
            more = np.array([book.number(records[place]) for place in places], dtype=np.int64)
            keeps = book.limits.keep(more)
            found += compress(places, keeps)
            numbers = np.concatenate([numbers, more[keeps]])
        return found, numbers

    def _may_reserve(self, places: Sequence[int]) -> BoolArray:
        config = self._state.config
        if config.bf_min_prio_reserve <= 0 and config.bf_min_age_reserve_s <= 0:
            return np.ones(len(places), dtype=np.bool_)  # as all of them are eligible
        records = (self._records[place] for place in places)
        return np.array([may_reserve(one, self._state, self._now_s) for one in records])
