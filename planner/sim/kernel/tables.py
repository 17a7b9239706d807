"""What the cycles and passes of a simulation share of the compiled form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.allocation import Taken
from planner.sim.kernel.asks import AskBook
from planner.sim.kernel.holds import table_for
from planner.sim.kernel.plan import Desk, Reserved
from planner.sim.kernel.room import Machines, Stock
from planner.sim.kernel.roster import Roster
from planner.sim.kernel.words import Words, words_of
from planner.sim.nodeset import set_of_mask
from planner.sim.state import State

if TYPE_CHECKING:
    from planner.sim.kernel.search import CompiledSearch

ALL_NODES = np.uint64(2**64 - 1)  # of a word


class Tables:
    """Of one simulation."""

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
        self.gpu_types = len(nodes.gpu_types)
        self.roster = Roster(self.gpu_types)
        self.ready = np.empty((16, 64 * words), dtype=np.int64)  # see planner.sim.kernel.ready
        self.unknown: Words = np.full((16, words), ALL_NODES)
        self.ready_of: CompiledSearch | None = None  # whose timeline they belong to
        self.desk = self._desk(64)

    def _desk(self, rows: int) -> Desk:
        """Buffers for so many rows."""

        def numbers() -> IntArray:
            return np.zeros(len(self.machines.cpus), dtype=np.int64)

        def no_nodes() -> Words:
            return np.zeros(self.words, dtype=np.uint64)

        gpus = np.zeros((len(self.machines.cpus), self.gpu_types), dtype=np.int64)
        return Desk(
            no_nodes(),
            no_nodes(),
            no_nodes(),
            np.zeros(rows, dtype=np.int64),
            Stock(no_nodes(), numbers(), numbers(), numbers()),
            Taken(numbers(), numbers(), numbers(), gpus),
        )

    def has_room(self) -> bool:
        """Whether there is a row for all keys of the book; if not, one is made."""
        if self.book.keys <= len(self.ready):
            return True
        keys = 2 * self.book.keys
        self.ready = np.empty((keys, self.ready.shape[1]), dtype=np.int64)
        self.unknown = np.full((keys, self.words), ALL_NODES)
        return False

    def desk_for(self, rows: int) -> Desk:
        if rows > self.desk.rows.size:
            self.desk = self._desk(2 * rows)
        return self.desk


def tables_of(state: State) -> Tables:
    """Made with the first question."""
    if not isinstance(state.tables, Tables):
        state.tables = Tables(state)
    return state.tables
