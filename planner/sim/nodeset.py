"""Sets of nodes as the bits of one integer: node i is in the set if bit i is one.

Intersecting, joining and counting take a fraction of what they take on arrays of thousands of
bools, and a set can be a key. Arrays are for amounts.
"""

from __future__ import annotations

import numpy as np

from planner.sim.cluster import BoolArray, IntArray

NodeSet = int


def set_of_mask(mask: BoolArray) -> NodeSet:
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def set_of_indices(indices: IntArray) -> NodeSet:
    if not len(indices):
        return 0
    mask = np.zeros(int(indices.max()) + 1, dtype=np.bool_)
    mask[indices] = True
    return set_of_mask(mask)


def mask_of(nodes: NodeSet, count: int) -> BoolArray:
    """One bool for each of the first ``count`` nodes; the set has no others."""
    packed = np.frombuffer(nodes.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(packed, count=count, bitorder="little").view(np.bool_)
