"""Which jobs a cycle may still start, and the walk to the next of them: compiled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from planner.sim.kernel.walk import Line, Progress, hopeful, walk
from planner.sim.kernel.words import Words, words_of
from planner.sim.mainsched import may_reserve
from planner.sim.nodeset import NodeSet
from planner.sim.prospects import candidates
from planner.sim.queue import Record
from planner.sim.state import State

if TYPE_CHECKING:
    from planner.sim.kernel.search import CompiledSearch


class CompiledProspects:
    """As ``Prospects``, but it also plans and holds for the jobs it passes over."""

    def __init__(
        self, records: Sequence[Record], state: State, search: CompiledSearch, now_s: float
    ) -> None:
        self._records, self._state, self._search, self._now_s = records, state, search, now_s
        self._at_change: int | None = None  # state.changes that the rest belongs to
        self._candidates: list[int] = []
        self._usable_now: Words
        self._free_now: Words
        self._line: Line
        self._progress: Progress

    def next(self, place: int, most: int | None) -> tuple[int, int] | None:
        if self._at_change != self._state.changes:
            self._at_change = self._state.changes
            self._survey(place, most)
        search = self._search
        begin = bisect_left(self._candidates, place)
        found = walk(
            search.book.asks,
            self._line,
            self._progress,
            begin,
            self._usable_now,
            self._free_now,
            search.timeline(len(self._candidates) - begin),
            search.nodes,
        )
        return None if found < 0 else (self._candidates[found], found - begin)

    def note_hold(self, nodes: NodeSet) -> None:
        if nodes & self._state.free_nodes:
            self._progress.is_fresh[0] = False

    def _survey(self, place: int, most: int | None) -> None:
        records, state, search = self._records, self._state, self._search
        self._candidates = candidates(
            records, state, self._now_s, place, most, before=self._candidates
        )
        chosen = [records[index] for index in self._candidates]
        book = search.book
        numbers = np.array([book.number(record) for record in chosen], dtype=np.int64)
        ask = book.ask[numbers]
        self._usable_now = words_of(state.usable_now, search.words)
        self._free_now = words_of(state.free_nodes, search.words)
        with_room = hopeful(book.asks, ask, self._usable_now, search.timeline())
        self._line = Line(
            ask,
            book.run_s[numbers],
            book.own_reservation[numbers],
            np.array(
                [may_reserve(record, state, self._now_s) for record in chosen], dtype=np.bool_
            ),
            book.by_hand[numbers],
            with_room,
            np.full(book.asks.grain.size, np.inf),
        )
        self._progress = Progress(
            np.array([with_room.size], dtype=np.int64), np.zeros(1, dtype=np.bool_)
        )
