"""Where a need fits on what is free now: ``State.place``, compiled."""

from __future__ import annotations

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.allocation import Taken, take
from planner.sim.kernel.asks import Ask, Asks, ask_at
from planner.sim.kernel.jit import bare
from planner.sim.kernel.ready import gpus_of, tasks_of
from planner.sim.kernel.room import Machines, Stock
from planner.sim.kernel.tables import tables_of
from planner.sim.kernel.words import Words, add, lowest, words_of
from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.state import State


class CompiledPlaces:
    """Of one state."""

    def __init__(self, state: State) -> None:
        self._state, self._tables = state, tables_of(state)

    def place(self, need: Need, allowed: NodeSet) -> Allocation | None:
        state, tables = self._state, self._tables
        if state.is_misfit(need, allowed):
            return None
        number = tables.book.number_of(need)
        taken, room = tables.desk.taken, state.room
        count = place_now(
            tables.book.asks,
            number,
            tables.machines,
            (room.cpus, room.mem_mib, room.gpus, room.jobs),
            words_of(allowed, tables.words),
            tables.desk.stock,
            taken,
        )
        if not count:
            state.note_misfit(need, allowed)
            return None
        return Allocation(*(column[:count].copy() for column in taken))


@bare
def place_now(
    asks: Asks,
    need: int,
    machines: Machines,
    room: tuple[IntArray, IntArray, IntArray, IntArray],
    allowed: Words,
    stock: Stock,
    taken: Taken,
) -> int:
    """On how many of the nodes the need fits, with what it takes of them in ``taken``; 0: it does
    not. ``room``: CPUs, memory and GPUs that are free, and the jobs that run, by node.
    """
    ask = ask_at(asks, need)
    _, _, free_gpus, jobs = room
    if not ask.whole_nodes:
        _take_stock(ask, machines, room, allowed, stock)
        return take(ask, machines, stock, free_gpus, taken)
    stock.nodes[:] = 0
    for node in range(jobs.size):
        if jobs[node] == 0:
            add(stock.nodes, node)
    for w in range(allowed.size):
        stock.nodes[w] &= allowed[w] & ask.nodes[w] & ask.idle_fit[w]
    idle = Stock(stock.nodes, ask.idle_tasks, ask.idle_gpus, machines.cpus)
    return take(ask, machines, idle, free_gpus, taken)


@bare
def _take_stock(
    ask: Ask,
    machines: Machines,
    room: tuple[IntArray, IntArray, IntArray, IntArray],
    allowed: Words,
    stock: Stock,
) -> None:
    """Fill the stock with what shared nodes have for the need."""
    free_cpus, free_mem_mib, free_gpus, _ = room
    stock.nodes[:] = 0
    for w in range(allowed.size):
        word = allowed[w] & ask.nodes[w]
        while word:
            node = (w << 6) + lowest(word)
            word &= word - np.uint64(1)
            gpus = gpus_of(ask, ask.node_gpus, free_gpus, free_gpus, node, -1)
            tasks = tasks_of(
                free_cpus[node],
                free_mem_mib[node],
                machines.mem_mib[node],
                ask.cpus_per_task,
                ask.tasks_per_node,
                ask.mem_mib_per_node,
                ask.mem_mib_per_cpu,
            )
            if gpus >= 0 and tasks > 0:
                add(stock.nodes, node)
                stock.tasks[node], stock.gpus[node] = tasks, gpus
                stock.cpus[node] = free_cpus[node]
