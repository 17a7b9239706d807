"""A job that has just started joins the rows: no need to arrange all anew for it."""

from __future__ import annotations

from planner.sim.cluster import IntArray
from planner.sim.kernel.jit import bare
from planner.sim.kernel.rows import Rows
from planner.sim.kernel.sorted_times import first_past
from planner.sim.kernel.words import add, put


@bare
def join(
    rows: Rows, over_s: float, nodes: IntArray, cpus: IntArray, mem_mib: IntArray, gpus: IntArray
) -> bool:
    """Put in a job that has just started and is expected to end then, as if it had been there;
    False if the arrays have no room for it. What is free now follows the state by itself.
    """
    count, entries = rows.ends[0], rows.first[-1]
    if count == rows.ends_s.size or entries + nodes.size > rows.row.size:
        return False
    at = first_past(rows.ends_s, count, over_s)  # after its equals, as it started last
    for index in range(count, at, -1):
        rows.ends_s[index] = rows.ends_s[index - 1]
        put(rows.on[index - 1], rows.on[index])
        rows.on_first[index], rows.on_after[index] = (
            rows.on_first[index - 1],
            rows.on_after[index - 1],
        )
    for row in range(count + 1, at, -1):
        put(rows.idle_by[row - 1], rows.idle_by[row])
    rows.ends_s[at], rows.ends[0] = over_s, count + 1
    rows.on[at, :] = 0
    for node in nodes:
        add(rows.on[at], node)
    rows.on_first[at], rows.on_after[at] = nodes[0] >> 6, (nodes[-1] >> 6) + 1
    for row in range(at + 1):
        for w in range(rows.on_first[at], rows.on_after[at]):
            rows.idle_by[row, w] &= ~rows.on[at, w]
    _make_ready_later(rows, at)
    _join_nodes(rows, at + 1, nodes, cpus, mem_mib, gpus)
    return True


@bare
def _make_ready_later(rows: Rows, at: int) -> None:
    """Rows after that end are one further, and what its nodes take is to be found anew."""
    for key in range(rows.ready.shape[0]):
        for node in range(rows.ready.shape[1]):
            rows.ready[key, node] += rows.ready[key, node] > at
        for w in range(rows.on_first[at], rows.on_after[at]):
            rows.unknown[key, w] |= rows.on[at, w]


@bare
def _join_nodes(
    rows: Rows, row: int, nodes: IntArray, cpus: IntArray, mem_mib: IntArray, gpus: IntArray
) -> None:
    """Each of the nodes gets so much back at this row; the later rows are one further."""
    first, row_of = rows.first, rows.row
    given_cpus, given_mem_mib, given_gpus = rows.given_cpus, rows.given_mem_mib, rows.given_gpus
    after = first[-1]
    for entry in range(after):
        if row_of[entry] >= row:
            row_of[entry] += 1
    for index in range(nodes.size - 1, -1, -1):
        node, shift = nodes[index], index + 1
        begin, over = first[node], first[node + 1]
        for entry in range(after - 1, begin - 1, -1):
            if entry < over and row_of[entry] < row:
                break
            row_of[entry + shift] = row_of[entry]
            given_cpus[entry + shift], given_mem_mib[entry + shift] = (
                given_cpus[entry],
                given_mem_mib[entry],
            )
            _put(given_gpus[entry], given_gpus[entry + shift])
            if entry < over:
                given_cpus[entry + shift] += cpus[index]
                given_mem_mib[entry + shift] += mem_mib[index]
                _add(gpus[index], given_gpus[entry + shift])
            after = entry
        place = after + index
        row_of[place] = row
        given_cpus[place], given_mem_mib[place] = cpus[index], mem_mib[index]
        _put(gpus[index], given_gpus[place])
        if after > begin:
            given_cpus[place] += given_cpus[after - 1]
            given_mem_mib[place] += given_mem_mib[after - 1]
            _add(given_gpus[after - 1], given_gpus[place])
    index = 0
    for node in range(first.size):
        while index < nodes.size and nodes[index] < node:
            index += 1
        first[node] += index


@bare
def _put(amounts: IntArray, into: IntArray) -> None:
    for column in range(amounts.size):
        into[column] = amounts[column]


@bare
def _add(amounts: IntArray, to: IntArray) -> None:
    for column in range(amounts.size):
        to[column] += amounts[column]
