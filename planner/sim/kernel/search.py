"""The compiled search as a backfill cycle uses it, and what a simulation's cycles share of it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from math import inf

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.asks import Ask, AskBook, ask_at
from planner.sim.kernel.holds import clear, extended, table_for
from planner.sim.kernel.joining import join
from planner.sim.kernel.plan import (
    Desk,
    Reserved,
    Rules,
    Timeline,
    hold_slots,
    open_from,
    place_and_hold,
    slot,
)
from planner.sim.kernel.prospects import CompiledProspects
from planner.sim.kernel.room import Machines, Stock
from planner.sim.kernel.roster import Roster
from planner.sim.kernel.rows import SPARE, Rows, arrange
from planner.sim.kernel.words import Words, listed, set_of_words, words_of
from planner.sim.nodeset import NodeSet, set_of_indices, set_of_mask
from planner.sim.outlook import Planned, planned_run_s
from planner.sim.queue import Record
from planner.sim.state import State
from planner.sim.timeline import expected_end_s


class Tables:
    """What a simulation's cycles share."""

    def __init__(self, state: State) -> None:
        nodes = state.nodes
        self.words = words = (len(nodes) + 63) // 64
        self.book = AskBook(state, words)
        joins = np.zeros(len(nodes), dtype=np.bool_)
        joins[1:] = nodes.weight[1:] == nodes.weight[:-1]
        self.machines = Machines(
            nodes.cpus.astype(np.int64),
            nodes.mem_mib.astype(np.int64),
            nodes.weight.astype(np.int64),
            words_of(set_of_mask(joins), words),
        )
        reservations = list(state.reservations.values())
        reserved = [words_of(state.reserved_nodes[one.name], words) for one in reservations]
        self.reserved = Reserved(
            np.array([one.start_s for one in reservations], dtype=np.float64),
            np.array([one.end_s for one in reservations], dtype=np.float64),
            np.array(reserved, dtype=np.uint64).reshape(len(reservations), words),
        )
        self.holds = table_for(64, words)
        self.roster = Roster(len(nodes.gpu_types))
        self.ready = np.empty((16, 64 * words), dtype=np.int64)  # see planner.sim.kernel.ready
        self.ready_is_known = np.zeros(16, dtype=np.bool_)
        self.ready_of: CompiledSearch | None = None  # whose timeline they belong to
        self.desk = self._desk(64)

    def _desk(self, rows: int) -> Desk:
        """Buffers for so many rows."""

        def numbers() -> IntArray:
            return np.zeros(len(self.machines.cpus), dtype=np.int64)

        def no_nodes() -> Words:
            return np.zeros(self.words, dtype=np.uint64)

        stock = Stock(no_nodes(), numbers(), numbers(), numbers())
        return Desk(no_nodes(), no_nodes(), np.zeros(rows, dtype=np.int64), stock)

    def has_room(self) -> bool:
        """Whether there is a row for all keys of the book; if not, one is made."""
        if self.book.keys <= len(self.ready):
            return True
        keys = 2 * self.book.keys
        self.ready = np.empty((keys, self.ready.shape[1]), dtype=np.int64)
        self.ready_is_known = np.zeros(keys, dtype=np.bool_)
        return False

    def desk_for(self, rows: int) -> Desk:
        if rows > self.desk.rows.size:
            self.desk = self._desk(2 * rows)
        return self.desk


class CompiledSearch:
    """One cycle's. Plain search says what is promised."""

    def __init__(self, state: State, now_s: float) -> None:
        if not isinstance(state.tables, Tables):
            state.tables = Tables(state)
        self._tables, self._state, self._now_s = state.tables, state, now_s
        self.book, self.words = state.tables.book, state.tables.words
        config = state.config
        self._rules = Rules(
            until_s=now_s + config.bf_window_s,
            slot_s=config.bf_resolution_s,
            origin_s=state.origin_s,
            tells_row_ends=config.plan_to_window_end,
            hold_to_slot_end=config.hold_to_slot_end,
        )
        clear(self._tables.holds, slot(self._rules, now_s))
        self.nodes = np.zeros(self._tables.words, dtype=np.uint64)  # of the last plan
        self._at_change: int | None = None  # state.changes that the next belongs to
        self._running = 0  # jobs, at that change
        self._timeline: Timeline

    def timeline(self, holds: int = 1) -> Timeline:
        """As of now, with room for so many more holds and for all needs in the book."""
        state, tables = self._state, self._tables
        if self._at_change != state.changes and not self._joined_last():
            self._timeline = Timeline(
                self._rules,
                tables.machines,
                words_of(state.usable_in_plan, tables.words),
                tables.reserved,
                self._rows(),
                tables.holds,
                tables.desk_for(len(self._state.running) + SPARE + 1),
            )
        self._at_change, self._running = state.changes, len(state.running)
        tables.holds = extended(tables.holds, 2 * holds)
        if self._timeline.holds is not tables.holds:
            self._timeline = self._timeline._replace(holds=tables.holds)
        if not tables.has_room() or self._timeline.rows.ready is not tables.ready:
            rows = self._timeline.rows._replace(ready=tables.ready, is_known=tables.ready_is_known)
            self._timeline = self._timeline._replace(rows=rows)
        if tables.ready_of is not self:
            tables.ready_of = self
            tables.ready_is_known[:] = False
        return self._timeline

    def _joined_last(self) -> bool:
        """Whether all that has changed is that one job more runs, and it is in the rows now."""
        state = self._state
        if self._at_change is None or state.changes != self._at_change + 1:
            return False
        if len(state.running) != self._running + 1:
            return False
        last = next(reversed(state.running.values()))
        held = last.allocation
        return join(
            self._timeline.rows,
            expected_end_s(last.start_s, last.limit_s, self._now_s, state.config),
            held.nodes,
            held.cpus,
            held.mem_mib,
            held.gpus,
        )

    def prospects(self, records: Sequence[Record]) -> CompiledProspects:
        return CompiledProspects(records, self._state, self, self._now_s)

    def open_now(self, record: Record) -> NodeSet:
        question = self._question(record)
        timeline = self.timeline()
        open_from(*question, timeline, self._now_s)
        return set_of_words(timeline.desk.open_nodes)

    def plan(self, record: Record) -> tuple[Planned, NodeSet] | None:
        start_s = place_and_hold(*self._question(record), self.timeline(), self.nodes)
        if start_s == inf:
            return None
        nodes = set_of_words(self.nodes)
        return Planned(start_s, listed(self.nodes)), nodes

    def hold(self, record: Record, planned: Planned) -> NodeSet:
        nodes = set_of_indices(planned.nodes)
        timeline, run_s = self.timeline(), planned_run_s(record)
        hold_slots(timeline, words_of(nodes, self.words), planned.start_s, run_s)
        return nodes

    def without(self, state: State) -> CompiledSearch:
        search = copy(self)
        search._state, search._at_change = state, None
        return search

    def _question(self, record: Record) -> tuple[Ask, float, int]:
        book = self.book
        number = book.number(record)
        return ask_at(book.asks, book.ask[number]), book.run_s[number], book.own_reservation[number]

    def _rows(self) -> Rows:
        state, config, room = self._state, self._state.config, self._state.room
        running = state.running.values()
        self._tables.ready_of = None
        ends_s = np.array([one.start_s + one.limit_s for one in running], dtype=np.float64)
        over_s = config.over_time_limit_s + config.kill_wait_s
        late = ends_s <= self._now_s
        ends_s[late] = np.maximum(ends_s[late] + over_s, self._now_s + 1)
        roster = self._tables.roster
        roster.follow(running)
        held = roster.held
        arranged = arrange(
            ends_s,
            roster.begins,
            held.nodes,
            held.cpus,
            held.mem_mib,
            held.gpus,
            len(state.nodes),
            self._tables.words,
        )
        return Rows(
            self._now_s,
            state.origin_s,
            config.bf_window_linear_s,
            room.cpus,
            room.mem_mib,
            room.gpus,
            self._tables.ready,
            self._tables.ready_is_known,
            np.array([len(ends_s)]),
            *arranged,
        )
