"""Places in a growing row of times or numbers, as ``bisect`` finds them."""

from __future__ import annotations

from planner.sim.cluster import IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.kernel.jit import bare


@bare
def first_at(values: FloatArray | IntArray, count: int, value: float) -> int:
    """Of the first ``count`` values the first that is not less; the count if all are."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@bare
def first_past(values: FloatArray | IntArray, count: int, value: float) -> int:
    """Of the first ``count`` values the first that is greater; the count if none is."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if values[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low
