"""The compiled search as a backfill cycle uses it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from math import inf

import numpy as np

from planner.sim.kernel.asks import Asks
from planner.sim.kernel.holds import clear, extended
from planner.sim.kernel.joining import join
from planner.sim.kernel.plan import (
    Rules,
    Timeline,
    hold_slots,
    open_now,
    place_and_hold,
    slot,
)
from planner.sim.kernel.prospects import CompiledProspects
from planner.sim.kernel.rows import SPARE, Rows, arrange
from planner.sim.kernel.tables import ALL_NODES, tables_of
from planner.sim.kernel.words import listed, set_of_words, words_of
from planner.sim.nodeset import NodeSet, set_of_indices
from planner.sim.outlook import Planned, planned_run_s
from planner.sim.queue import Record
from planner.sim.state import State
from planner.sim.timeline import expected_end_s


class CompiledSearch:
    """One cycle's. Plain search says what is promised."""

    def __init__(self, state: State, now_s: float) -> None:
        tables = tables_of(state)
        self._tables, self._state, self._now_s = tables, state, now_s
        self.book, self.words = tables.book, tables.words
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
            rows = self._timeline.rows._replace(ready=tables.ready, unknown=tables.unknown)
            self._timeline = self._timeline._replace(rows=rows)
        if tables.ready_of is not self:
            tables.ready_of = self
            tables.unknown[:] = ALL_NODES
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
        open_now(*question, timeline)
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

    def _question(self, record: Record) -> tuple[Asks, int, float, int]:
        book = self.book
        number = book.number(record)
        return book.asks, book.ask[number], book.run_s[number], book.own_reservation[number]

    def _rows(self) -> Rows:
        state, config, room = self._state, self._state.config, self._state.room
        running = state.running.values()
        self._tables.ready_of = None
        roster = self._tables.roster
        roster.follow(running)
        held, ends_s = roster.held, roster.ends_s.copy()
        if config.preemption is not None:  # the preempted are expected to end sooner
            ends_s = np.array([one.start_s + one.limit_s for one in running], dtype=np.float64)
        over_s = config.over_time_limit_s + config.kill_wait_s
        late = ends_s <= self._now_s
        ends_s[late] = np.maximum(ends_s[late] + over_s, self._now_s + 1)
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
            self._tables.unknown,
            np.array([len(ends_s)]),
            *arranged,
        )
