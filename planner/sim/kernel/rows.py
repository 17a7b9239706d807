"""Running jobs in the order of their expected ends: ``planner.sim.timeline`` in arrays.

Row 0 is now, row i the instant after the i-th end. What is free on a node at a row is what is free
now and what the node's jobs with an end up to that row give back: no room is kept per row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.jit import bare, compiled
from planner.sim.kernel.sorted_times import first_past
from planner.sim.kernel.words import Words, add, lowest

_FIRST_WINDOW_S = 30.0  # of the look-ahead over running jobs; then doubled
SPARE = 256  # ends, and entries of nodes, that the arrays have room for besides


class Rows(NamedTuple):
    now_s: float
    origin_s: float
    linear_s: float  # bf_window_linear
    cpus: IntArray  # free now, by node
    mem_mib: IntArray
    gpus: IntArray  # nodes x types
    ready: IntArray  # see planner.sim.kernel.ready; keys x nodes
    unknown: Words  # keys x words: the nodes of which that is yet to be found
    ends: IntArray  # one entry: how many; the arrays below have room for more
    ends_s: FloatArray
    on: Words  # ends x words: the nodes of the job
    on_first: IntArray  # the first of these words that is not 0, and one after the last
    on_after: IntArray
    idle_by: Words  # rows x words: nodes without a job then
    first: IntArray  # of each node's entries below, and one more
    row: IntArray  # of each entry, growing within a node
    given_cpus: IntArray  # by the entries of the node up to this one
    given_mem_mib: IntArray
    given_gpus: IntArray  # entries x types


@compiled
def arrange(
    ends_s: FloatArray,
    begins: IntArray,
    nodes: IntArray,
    cpus: IntArray,
    mem_mib: IntArray,
    gpus: IntArray,
    node_count: int,
    words: int,
) -> tuple[
    FloatArray,
    Words,
    IntArray,
    IntArray,
    Words,
    IntArray,
    IntArray,
    IntArray,
    IntArray,
    IntArray,
]:
    """The fields of Rows from ``ends_s`` on but for what is free now, of running jobs in any order.

    Job j holds what the entries from ``begins[j]`` to ``begins[j + 1]`` of the others say.
    """
    order = np.argsort(ends_s, kind="mergesort")
    in_order = np.empty(order.size + SPARE, dtype=np.float64)
    in_order[: order.size] = ends_s[order]
    first = np.zeros(node_count + 1, dtype=np.int64)
    for node in nodes:
        first[node + 1] += 1
    first = np.cumsum(first)
    on, on_first, on_after, idle_by = _by_end(order, begins, nodes, first, words)
    row, given_cpus, given_mem_mib, given_gpus = _by_node(
        order, begins, nodes, cpus, mem_mib, gpus, first
    )
    return (
        in_order,
        on,
        on_first,
        on_after,
        idle_by,
        first,
        row,
        given_cpus,
        given_mem_mib,
        given_gpus,
    )


@compiled
def _by_end(
    order: IntArray, begins: IntArray, nodes: IntArray, first: IntArray, words: int
) -> tuple[Words, IntArray, IntArray, Words]:
    """Where each job is, and the nodes without a job after each end."""
    size = order.size + SPARE
    on = np.zeros((size, words), dtype=np.uint64)
    on_first, on_after = np.full(size, words), np.zeros(size, dtype=np.int64)
    idle_by = np.zeros((size + 1, words), dtype=np.uint64)
    left = first[1:] - first[:-1]
    for node in range(left.size):
        if left[node] == 0:
            add(idle_by[0], node)
    for index in range(order.size):
        idle_by[index + 1] = idle_by[index]
        for entry in range(begins[order[index]], begins[order[index] + 1]):
            node = nodes[entry]
            add(on[index], node)
            on_first[index] = min(on_first[index], node >> 6)
            on_after[index] = max(on_after[index], (node >> 6) + 1)
            left[node] -= 1
            if left[node] == 0:
                add(idle_by[index + 1], node)
    return on, on_first, on_after, idle_by


@compiled
def _by_node(
    order: IntArray,
    begins: IntArray,
    nodes: IntArray,
    cpus: IntArray,
    mem_mib: IntArray,
    gpus: IntArray,
    first: IntArray,
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """The rows at which each node gets something back, and how much it has got by then."""
    place = first[:-1].copy()
    row = np.empty(nodes.size + SPARE, dtype=np.int64)
    given_cpus, given_mem_mib = np.empty_like(row), np.empty_like(row)
    given_gpus = np.empty((row.size, gpus.shape[1]), dtype=np.int64)
    for index in range(order.size):
        for entry in range(begins[order[index]], begins[order[index] + 1]):
            node = nodes[entry]
            at = place[node]
            row[at] = index + 1
            given_cpus[at], given_mem_mib[at] = cpus[entry], mem_mib[entry]
            given_gpus[at] = gpus[entry]
            if at > first[node]:
                given_cpus[at] += given_cpus[at - 1]
                given_mem_mib[at] += given_mem_mib[at - 1]
                given_gpus[at] += given_gpus[at - 1]
            place[node] += 1
    return row, given_cpus, given_mem_mib, given_gpus


@bare
def end_s(rows: Rows, row: int) -> float:
    return rows.ends_s[row - 1] if row else rows.now_s


@bare
def row_at(rows: Rows, at_s: float) -> int:
    """The last row that is no later than this."""
    return first_past(rows.ends_s, rows.ends[0], at_s)


@bare
def last_up_to(row_of: IntArray, begin: int, after: int, row: int) -> int:
    """Of the entries of a node the last that is not after the row; -1 if there is none."""
    low, high = begin, after
    while low < high:
        middle = (low + high) // 2
        if row_of[middle] > row:
            high = middle
        else:
            low = middle + 1
    return low - 1 if low > begin else -1


@bare
def last_end_s(rows: Rows, nodes: Words, until_s: float) -> float:
    """Latest expected end up to ``until_s`` of a job on these nodes; -inf if none."""
    until_row, last_row = row_at(rows, until_s), 0
    for w in range(nodes.size):
        word = nodes[w]
        while word:
            node = (w << 6) + lowest(word)
            word &= word - np.uint64(1)
            entry = last_up_to(rows.row, rows.first[node], rows.first[node + 1], until_row)
            if entry >= 0:
                last_row = max(last_row, rows.row[entry])
    return rows.ends_s[last_row - 1] if last_row else -np.inf


@bare
def look_ahead(rows: Rows, nodes: Words, by_s: float, out: IntArray) -> int:
    """Put the rows at which Slurm tests a job that may use these nodes into ``out``, up to one
    whose end is later than ``by_s``; answers how many. As ``Releases.look_ahead`` says.
    """
    out[0] = 0
    ends_s, ends, count = rows.ends_s, rows.ends[0], 1
    on, on_first, on_after = rows.on, rows.on_first, rows.on_after
    first, last = 0, ends - 1
    while first <= last and not _meet(on[first], nodes, on_first[first], on_after[first]):
        first += 1
    if first > last or ends_s[first] > by_s:
        return count
    while not _meet(on[last], nodes, on_first[last], on_after[last]):
        last -= 1
    barrier_s = ends_s[first] + _FIRST_WINDOW_S
    barrier_s -= (ends_s[first] + rows.origin_s) % _FIRST_WINDOW_S
    width_s = _FIRST_WINDOW_S
    while first <= last:
        closing = first_past(ends_s, ends, barrier_s + width_s) - 1
        place = min(max(first, closing), last)
        while place < last and not _meet(on[place], nodes, on_first[place], on_after[place]):
            place += 1
        first = place + 1
        out[count] = first
        count += 1
        if ends_s[place] > by_s:
            break
        width_s = width_s + rows.linear_s if rows.linear_s > 0 else width_s * 2
        while first < ends and ends_s[first] > barrier_s + width_s:
            width_s = width_s + rows.linear_s if rows.linear_s > 0 else width_s * 2
    return count


@bare
def _meet(one: Words, other: Words, first: int, after: int) -> bool:
    """Whether a node of these words is in both sets."""
    for w in range(first, after):
        if one[w] & other[w]:
            return True
    return False
