"""Sets of nodes as rows of 64-bit words: node i is bit i % 64 of word i // 64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from planner.sim.cluster import IntArray
from planner.sim.kernel.jit import bare, compiled
from planner.sim.nodeset import NodeSet

Words = npt.NDArray[np.uint64]

_ONE = np.uint64(1)
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_H01 = np.uint64(0x0101010101010101)
_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


def words_of(nodes: NodeSet, count: int) -> Words:
    """The set as so many words."""
    return np.frombuffer(nodes.to_bytes(count * 8, "little"), dtype="<u8").astype(np.uint64)


def set_of_words(words: Words) -> NodeSet:
    return int.from_bytes(words.astype("<u8").tobytes(), "little")


@bare
def size(nodes: Words) -> int:
    """How many nodes are in the set."""
    total = np.uint64(0)
    for i in range(nodes.size):
        total += ones(nodes[i])
    return int(np.int64(total))


@bare
def size_of_three(one: Words, other: Words, third: Words) -> int:
    """How many nodes are in all three sets."""
    total = np.uint64(0)
    for i in range(one.size):
        total += ones(one[i] & other[i] & third[i])
    return int(np.int64(total))


@bare
def ones(word: np.uint64) -> np.uint64:
    """Bits of a word that are one."""
    word = word - ((word >> _S1) & _M1)
    word = (word & _M2) + ((word >> _S2) & _M2)
    word = (word + (word >> _S4)) & _M4
    return (word * _H01) >> _S56


@bare
def meet(one: Words, other: Words) -> bool:
    """Whether a node is in both sets."""
    for i in range(one.size):
        if one[i] & other[i]:
            return True
    return False


@bare
def is_within(one: Words, other: Words) -> bool:
    """Whether all nodes of one set are in the other."""
    for i in range(one.size):
        if one[i] & ~other[i]:
            return False
    return True


@bare
def reach(nodes: Words) -> tuple[int, int]:
    """The first word with a node in it and one past the last; equal where there is none."""
    low, high = 0, nodes.size
    while low < high and nodes[low] == 0:
        low += 1
    while high > low and nodes[high - 1] == 0:
        high -= 1
    return low, high


@bare
def add(nodes: Words, node: int) -> None:
    nodes[node >> 6] |= _ONE << np.uint64(node & 63)


@bare
def lowest(word: np.uint64) -> int:
    """Place of the lowest bit of a word that is not 0."""
    return int(np.int64(ones((word & (~word + _ONE)) - _ONE)))


@bare
def has(nodes: Words, node: int) -> bool:
    return bool((nodes[node >> 6] >> np.uint64(node & 63)) & _ONE)


@bare
def put(nodes: Words, into: Words) -> None:
    """Make one set what the other is."""
    for i in range(nodes.size):
        into[i] = nodes[i]


@bare
def are_equal(one: Words, other: Words) -> bool:
    for i in range(one.size):
        if one[i] != other[i]:
            return False
    return True


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
