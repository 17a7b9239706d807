"""``planner.sim.holds`` in arrays: segments of time, with a row of words for the nodes held."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from planner.sim.cluster import IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.jit import bare
from planner.sim.kernel.sorted_times import first_at, first_past
from planner.sim.kernel.words import Words, are_equal, meet, put, reach


class HoldTable(NamedTuple):
    segments: IntArray  # one entry: how many are in use
    edges_s: FloatArray  # segment i is [edge i, edge i + 1), the last is endless
    slot: IntArray  # of the segment's row in held; beyond the count those that are unused
    held: Words  # slots x words


def table_for(segments: int, words: int) -> HoldTable:
    """A table with room for so many segments; a hold adds two at most."""
    return HoldTable(
        np.zeros(1, dtype=np.int64),
        np.zeros(segments, dtype=np.float64),
        np.arange(segments),
        np.zeros((segments, words), dtype=np.uint64),
    )


def clear(table: HoldTable, now_s: float) -> None:
    """Nothing is held from now on."""
    table.segments[0], table.edges_s[0] = 1, now_s
    table.held[table.slot[0]] = 0


def extended(table: HoldTable, segments: int) -> HoldTable:
    """The table if it has room for so many more segments, else a larger one with the same holds."""
    wanted = int(table.segments[0]) + segments
    size, words = table.held.shape
    if wanted <= size:
        return table
    larger = table_for(2 * wanted, words)
    for column, old in zip(larger, table, strict=True):
        column[: len(old)] = old
    return larger


@bare
def free(table: HoldTable, nodes: Words, start_s: float, end_s: float, out: Words) -> float:
    """Put those of the nodes that nobody holds from start to end, both included, into ``out``.

    Answers the next edge at which one of them opens; inf if none does.
    """
    count, edges_s, slot, held = table.segments[0], table.edges_s, table.slot, table.held
    low, high = reach(nodes)  # a partition's nodes are mostly neighbours: other words do not matter
    first = _segment_at(table, start_s)
    after = max(first_past(edges_s, count, end_s), first + 1)
    retry_s = np.inf
    put(held[slot[first]], out)
    segment = first + 1
    while segment < after and retry_s == np.inf:
        if _join_and_see(nodes, out, held[slot[segment]], low, high):
            retry_s = edges_s[segment]
        segment += 1
    for later in range(segment, after):
        _join(out, held[slot[later]], low, high)
    # As coded, the search looks at two more segments than the job would run in.
    if retry_s == np.inf and after < count:
        if _opens(nodes, out, out, held[slot[after]]):
            retry_s = edges_s[after]
        elif after + 1 < count and _opens(nodes, out, held[slot[after]], held[slot[after + 1]]):
            retry_s = edges_s[after + 1]
    for w in range(nodes.size):
        out[w] = nodes[w] & ~out[w]
    return retry_s


@bare
def _opens(nodes: Words, one: Words, other: Words, held_then: Words) -> bool:
    """Whether one of the nodes, held in one of two segments, is held no longer."""
    found = np.uint64(0)
    for w in range(nodes.size):
        found |= nodes[w] & (one[w] | other[w]) & ~held_then[w]
    return bool(found)


@bare
def _join_and_see(nodes: Words, held: Words, held_then: Words, low: int, high: int) -> bool:
    """Both at once, for words from ``low`` up to ``high``: most of a cycle is spent here."""
    found = np.uint64(0)
    for w in range(low, high):
        found |= nodes[w] & held[w] & ~held_then[w]
        held[w] |= held_then[w]
    return bool(found)


@bare
def _join(nodes: Words, more: Words, low: int, high: int) -> None:
    for w in range(low, high):
        nodes[w] |= more[w]


@bare
def all_free(table: HoldTable, nodes: Words, start_s: float, end_s: float) -> bool:
    """Whether none of the nodes is held at any moment of [start, end)."""
    first = _segment_at(table, start_s)
    after = max(first_at(table.edges_s, table.segments[0], end_s), first + 1)
    for segment in range(first, after):
        if meet(nodes, table.held[table.slot[segment]]):
            return False
    return True


@bare
def hold(table: HoldTable, nodes: Words, start_s: float, end_s: float) -> None:
    first, after = _segment_from(table, start_s), _segment_from(table, end_s)
    slot, held = table.slot, table.held
    low, high = reach(nodes)
    for segment in range(first, after):
        _join(held[slot[segment]], nodes, low, high)
    for segment in range(min(after, table.segments[0] - 1), max(first, 1) - 1, -1):
        # Equal neighbours become one, as in Slurm: how far free() looks depends on it.
        if are_equal(held[slot[segment]], held[slot[segment - 1]]):
            _delete(table, segment)


@bare
def _segment_at(table: HoldTable, at_s: float) -> int:
    return max(first_past(table.edges_s, table.segments[0], at_s) - 1, 0)


@bare
def _segment_from(table: HoldTable, at_s: float) -> int:
    """Index of the segment that starts at this time, split off if need be."""
    count, edges_s, slot = table.segments[0], table.edges_s, table.slot
    index = first_at(edges_s, count, at_s)
    if index == 0 or (index < count and edges_s[index] == at_s):
        return index  # 0: before the plan begins
    unused = slot[count]
    for segment in range(count, index, -1):
        edges_s[segment], slot[segment] = edges_s[segment - 1], slot[segment - 1]
    edges_s[index], slot[index] = at_s, unused
    put(table.held[slot[index - 1]], table.held[unused])
    table.segments[0] = count + 1
    return index


@bare
def _delete(table: HoldTable, index: int) -> None:
    count, edges_s, slot = table.segments[0], table.edges_s, table.slot
    unused = slot[index]
    for segment in range(index, count - 1):
        edges_s[segment], slot[segment] = edges_s[segment + 1], slot[segment + 1]
    slot[count - 1] = unused
    table.segments[0] = count - 1
