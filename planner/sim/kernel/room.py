"""What nodes can take of a need at a row: ``planner.sim.placement``'s fit and fits, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.asks import ALL, ANY_TYPE, Ask
from planner.sim.kernel.jit import compiled
from planner.sim.kernel.rows import Rows, last_up_to
from planner.sim.kernel.words import Words, is_within, lowest, size, size_of_three


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


@compiled
def fits_at(
    ask: Ask, machines: Machines, rows: Rows, row: int, nodes: Words, buffer: Stock
) -> bool:
    """Whether the need fits on the nodes then. Necessary for choose()."""
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
    if ask.node_count <= 1 and plain and not ask.whole_nodes:
        return _take_stock(ask, machines, rows, row, nodes, buffer, is_asked_only=True)
    return _takes(ask, stock_at(ask, machines, rows, row, nodes, buffer))


@compiled
def stock_at(
    ask: Ask, machines: Machines, rows: Rows, row: int, nodes: Words, buffer: Stock
) -> Stock:
    """What the nodes have for the need then; in the buffer, or in the need's own table."""
    if not ask.whole_nodes:
        _take_stock(ask, machines, rows, row, nodes, buffer, is_asked_only=False)
        return buffer
    for w in range(nodes.size):
        buffer.nodes[w] = nodes[w] & ask.idle_fit[w] & rows.idle_by[row, w]
    return Stock(buffer.nodes, ask.idle_tasks, ask.idle_gpus, machines.cpus)


@compiled
def _take_stock(
    ask: Ask,
    machines: Machines,
    rows: Rows,
    row: int,
    nodes: Words,
    buffer: Stock,
    is_asked_only: bool,
) -> bool:
    """Fill the buffer with what shared nodes have for the need then.

    ``is_asked_only``: stop as soon as one node, or as many as it needs where it names no number,
    take all the tasks; the answer is whether they do.
    """
    # One loop over local arrays: in calls for each node their references would be counted.
    with_nodes, with_tasks, with_gpus, with_cpus = (
        buffer.nodes,
        buffer.tasks,
        buffer.gpus,
        buffer.cpus,
    )
    now_cpus, now_mem_mib, now_gpus = rows.cpus, rows.mem_mib, rows.gpus
    given_cpus, given_mem_mib, given_gpus = rows.given_cpus, rows.given_mem_mib, rows.given_gpus
    first, row_of, all_mem_mib, node_gpus = rows.first, rows.row, machines.mem_mib, ask.node_gpus
    asks_gpus = ask.shares_gpus or node_gpus.any()
    tasks_left = max(ask.tasks, 1)
    for w in range(nodes.size):
        word, left = nodes[w], np.uint64(0)
        while word:
            bit = word & (~word + np.uint64(1))
            word ^= bit
            node = (w << 6) + lowest(bit)
            entry = last_up_to(row_of, first[node], first[node + 1], row) if row else -1
            cpus, mem_mib = now_cpus[node], now_mem_mib[node]
            if entry >= 0:
                cpus += given_cpus[entry]
                mem_mib += given_mem_mib[entry]
            tasks = _tasks(ask, cpus, mem_mib, all_mem_mib[node])
            if tasks <= 0:
                continue
            gpus = 0
            if asks_gpus:
                gpus = _gpus(ask, node_gpus, now_gpus, given_gpus, node, entry)
                if gpus < 0:
                    continue
            if not is_asked_only:
                left |= bit
                with_tasks[node], with_gpus[node], with_cpus[node] = tasks, gpus, cpus
            elif tasks >= tasks_left:
                return True
            elif ask.node_count == 0:
                tasks_left -= tasks
        if not is_asked_only:
            with_nodes[w] = left
    return False


@compiled
def _tasks(ask: Ask, cpus: int, mem_mib: int, all_mem_mib: int) -> int:
    """How many tasks so much of a node takes."""
    if cpus < ask.cpus_per_task:
        return 0
    tasks = cpus if ask.cpus_per_task == 1 else cpus // ask.cpus_per_task
    tasks = min(tasks, ask.tasks_per_node)
    if ask.mem_mib_per_node == ALL:
        return tasks if mem_mib == all_mem_mib else 0
    mem_mib -= ask.mem_mib_per_node
    if mem_mib < 0:
        return 0
    if ask.mem_mib_per_cpu:
        tasks = min(tasks, mem_mib // (ask.mem_mib_per_cpu * ask.cpus_per_task))
    return tasks


@compiled
def _gpus(
    ask: Ask, node_gpus: IntArray, now: IntArray, given: IntArray, node: int, entry: int
) -> int:
    """GPUs towards those of the job; -1 if those that it asks of each node are not free."""
    free, wanted, of_type = 0, 0, 0
    for column in range(now.shape[1]):
        here, asked = now[node, column], node_gpus[column]
        if entry >= 0:
            here += given[entry, column]
        if asked and here < asked:
            return -1
        free += here
        wanted += asked
        if column == ask.job_gpu_type:
            of_type = here
    if node_gpus[-1] and free < wanted + node_gpus[-1]:
        return -1
    if not ask.shares_gpus:
        return 0
    return free if ask.job_gpu_type == ANY_TYPE else of_type


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


@compiled
def listed(nodes: Words) -> IntArray:
    """The nodes of a set, in order."""
    found, count = np.empty(size(nodes), dtype=np.int64), 0
    for w in range(nodes.size):
        word = nodes[w]
        while word:
            found[count] = (w << 6) + lowest(word)
            count += 1
            word &= word - np.uint64(1)
    return found
