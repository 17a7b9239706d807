"""From which row on each node can take a number of tasks: found once for all who ask for the same.

More is free on a node from row to row, so one row a node says it for all rows.
"""

from __future__ import annotations

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.kernel.asks import ALL, ANY_TYPE, Ask
from planner.sim.kernel.jit import bare, compiled
from planner.sim.kernel.rows import Rows
from planner.sim.kernel.words import Words, listed, lowest, size

NEVER = 1 << 40  # a row that no cluster has


@bare
def enough_from(
    ask: Ask, all_mem_mib: IntArray, rows: Rows, nodes: Words, by_row: int, soon: Words
) -> int:
    """The first row, up to that one, at which as many of the nodes as a countable need asks for
    each take their part; NEVER if none is. ``soon``: a buffer.
    """
    find_ready(ask, ask.each_key, ask.each_tasks, all_mem_mib, rows)
    ready = rows.ready[ask.each_key]
    if ask.enough_nodes == 1:
        first = _least(ready, nodes)
        return first if first <= by_row else NEVER
    if ready_by(ready, nodes, by_row, soon) < ask.enough_nodes:
        return NEVER
    return _in_order(ready, soon, ask.enough_nodes - 1)


@compiled
def _in_order(ready: IntArray, nodes: Words, place: int) -> int:
    """Of the rows of the nodes in order the one at this place."""
    return int(np.partition(ready[listed(nodes)], place)[place])


@bare
def ready_by(ready: IntArray, nodes: Words, by_row: int, out: Words) -> int:
    """Put those of the nodes that are ready by the row into ``out``; answers how many."""
    # Without a branch in the inner loop: the machine then takes several nodes at once, as below.
    for w in range(nodes.size):
        word = np.uint64(0)
        if nodes[w]:
            for bit in range(64):
                word |= np.uint64(ready[w * 64 + bit] <= by_row) << np.uint64(bit)
        out[w] = word & nodes[w]
    return size(out)


@bare
def _least(ready: IntArray, nodes: Words) -> int:
    first = NEVER
    for w in range(nodes.size):
        word = nodes[w]
        if word:
            for bit in range(64):
                row = ready[w * 64 + bit]
                if not (word >> np.uint64(bit)) & np.uint64(1):
                    row = NEVER
                first = min(first, row)
    return first


@bare
def find_ready(ask: Ask, key: int, tasks: int, all_mem_mib: IntArray, rows: Rows) -> None:
    """Complete the table under the key, that of the grain and the number of tasks: by node the
    first row at which it takes so many; NEVER, or later, where it is none of those that may be used
    or never does.
    """
    unknown = rows.unknown[key]
    for w in range(unknown.size):
        if unknown[w]:
            _find(ask, tasks, all_mem_mib, rows, w, unknown[w], rows.ready[key])
            unknown[w] = 0


@bare
def _find(
    ask: Ask,
    wanted: int,
    all_mem_mib: IntArray,
    rows: Rows,
    w: int,
    word: np.uint64,
    ready: IntArray,
) -> None:
    """Of the nodes of one word."""
    now_cpus, now_mem_mib, now_gpus = rows.cpus, rows.mem_mib, rows.gpus
    given_cpus, given_mem_mib, given_gpus = rows.given_cpus, rows.given_mem_mib, rows.given_gpus
    first, row_of, node_gpus = rows.first, rows.row, ask.node_gpus
    cpus_per_task, tasks_per_node = ask.cpus_per_task, ask.tasks_per_node
    mem_mib_per_node, mem_mib_per_cpu = ask.mem_mib_per_node, ask.mem_mib_per_cpu
    types = now_gpus.shape[1]
    gpus_wanted = 0
    for column in range(types + 1):
        gpus_wanted += node_gpus[column]
    while word:
        node = (w << 6) + lowest(word)
        word &= word - np.uint64(1)
        ready[node] = NEVER
        if not (ask.nodes[w] >> np.uint64(node & 63)) & np.uint64(1):
            continue
        entry = first[node] - 1  # before the first: now
        while entry < first[node + 1]:
            given = entry >= first[node]
            cpus, mem_mib = now_cpus[node], now_mem_mib[node]
            if given:
                cpus += given_cpus[entry]
                mem_mib += given_mem_mib[entry]
            fits = wanted <= tasks_of(
                cpus,
                mem_mib,
                all_mem_mib[node],
                cpus_per_task,
                tasks_per_node,
                mem_mib_per_node,
                mem_mib_per_cpu,
            )
            if fits and gpus_wanted:
                free = 0
                for column in range(types):
                    here = now_gpus[node, column]
                    if given:
                        here += given_gpus[entry, column]
                    fits &= here >= node_gpus[column]
                    free += here
                fits &= node_gpus[types] == 0 or free >= gpus_wanted
            if fits:
                ready[node] = row_of[entry] if given else 0
                break
            entry += 1


@bare
def tasks_of(
    cpus: int,
    mem_mib: int,
    all_mem_mib: int,
    cpus_per_task: int,
    tasks_per_node: int,
    mem_mib_per_node: int,
    mem_mib_per_cpu: int,
) -> int:
    """How many tasks so much of a node takes."""
    if cpus < cpus_per_task:
        return 0
    tasks = cpus if cpus_per_task == 1 else cpus // cpus_per_task
    tasks = min(tasks, tasks_per_node)
    if mem_mib_per_node == ALL:
        return tasks if mem_mib == all_mem_mib else 0
    mem_mib -= mem_mib_per_node
    if mem_mib < 0:
        return 0
    if mem_mib_per_cpu:
        tasks = min(tasks, mem_mib // (mem_mib_per_cpu * cpus_per_task))
    return tasks


@bare
def gpus_of(
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
