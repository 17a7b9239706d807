"""What nodes can take of a need at a row: ``planner.sim.placement``'s fit and fits, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.asks import Ask
from planner.sim.kernel.jit import bare, compiled
from planner.sim.kernel.ready import enough_from, find_ready, gpus_of, ready_by, tasks_of
from planner.sim.kernel.rows import Rows, last_up_to
from planner.sim.kernel.words import Words, is_within, listed, lowest, size_of_three


class Machines(NamedTuple):
    """What does not change of each node."""

    cpus: IntArray
    mem_mib: IntArray
    weight: IntArray
    joins: Words  # nodes of the same weight as the one before


class Stock(NamedTuple):
    """The nodes that can take a task at a row, and what each of them can take, by node."""

    nodes: Words
    tasks: IntArray
    gpus: IntArray  # towards those of the job
    cpus: IntArray


@bare
def fits_at(
    ask: Ask, machines: Machines, rows: Rows, row: int, nodes: Words, buffer: Stock
) -> bool:
    """Whether the need fits on the nodes then. Necessary for choose()."""
    if ask.enough_nodes:
        return enough_from(ask, machines.mem_mib, rows, nodes, row, buffer.nodes) <= row
    if ask.required_count and not is_within(ask.required, nodes):
        return False
    plain = not (ask.shares_gpus or ask.required_count)
    if ask.whole_nodes and plain:
        count = size_of_three(nodes, ask.idle_fit, rows.idle_by[row])
        if count < max(ask.node_count, 1):
            return False
        taken = ask.node_count if ask.node_count else count
        # What holds whichever nodes they are needs no look at each.
        if ask.idle_least * taken >= ask.tasks:
            return True
        if ask.idle_most * taken < ask.tasks:
            return False
    return _takes(ask, stock_at(ask, machines, rows, row, nodes, buffer))


@bare
def stock_at(
    ask: Ask, machines: Machines, rows: Rows, row: int, nodes: Words, buffer: Stock
) -> Stock:
    """What the nodes have for the need then; in the buffer, or in the need's own table."""
    if not ask.whole_nodes:
        _take_stock(ask, machines, rows, row, nodes, buffer)
        return buffer
    for w in range(nodes.size):
        buffer.nodes[w] = nodes[w] & ask.idle_fit[w] & rows.idle_by[row, w]
    return Stock(buffer.nodes, ask.idle_tasks, ask.idle_gpus, machines.cpus)


@bare
def _take_stock(
    ask: Ask, machines: Machines, rows: Rows, row: int, nodes: Words, buffer: Stock
) -> None:
    """Fill the buffer with what shared nodes have for the need then."""
    with_nodes, with_tasks, with_gpus, with_cpus = (
        buffer.nodes,
        buffer.tasks,
        buffer.gpus,
        buffer.cpus,
    )
    now_cpus, now_mem_mib, now_gpus = rows.cpus, rows.mem_mib, rows.gpus
    given_cpus, given_mem_mib, given_gpus = rows.given_cpus, rows.given_mem_mib, rows.given_gpus
    first, row_of, all_mem_mib, node_gpus = rows.first, rows.row, machines.mem_mib, ask.node_gpus
    asks_gpus = ask.shares_gpus
    for column in range(node_gpus.size):
        asks_gpus |= node_gpus[column] > 0
    find_ready(ask, ask.one_key, 1, all_mem_mib, rows)
    ready_by(rows.ready[ask.one_key], nodes, row, with_nodes)
    for w in range(nodes.size):
        word = with_nodes[w]
        while word:
            node = (w << 6) + lowest(word)
            word &= word - np.uint64(1)
            entry = last_up_to(row_of, first[node], first[node + 1], row) if row else -1
            cpus, mem_mib = now_cpus[node], now_mem_mib[node]
            if entry >= 0:
                cpus += given_cpus[entry]
                mem_mib += given_mem_mib[entry]
            tasks = tasks_of(
                cpus,
                mem_mib,
                all_mem_mib[node],
                ask.cpus_per_task,
                ask.tasks_per_node,
                ask.mem_mib_per_node,
                ask.mem_mib_per_cpu,
            )
            gpus = 0
            if asks_gpus:
                gpus = gpus_of(ask, node_gpus, now_gpus, given_gpus, node, entry)
            with_tasks[node], with_gpus[node], with_cpus[node] = tasks, gpus, cpus


@compiled
def _takes(ask: Ask, stock: Stock) -> bool:
    """Whether so many nodes of these as are wanted take all the tasks, and all hold the GPUs."""
    nodes = listed(stock.nodes)
    if nodes.size < max(ask.node_count, 1) or not is_within(ask.required, stock.nodes):
        return False
    if ask.shares_gpus and stock.gpus[nodes].sum() < ask.job_gpus:
        return False
    tasks = stock.tasks[nodes]
    if ask.node_count and ask.node_count < nodes.size:
        tasks = np.sort(tasks)[nodes.size - ask.node_count :]
    return bool(tasks.sum() >= ask.tasks)
