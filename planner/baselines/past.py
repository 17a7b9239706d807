"""The waits of a cluster as far as they are known, and which of them are of jobs like another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Processors: the classes of Brevik, Nurmi and Wolski (PPoPP 2006), 1-4, 5-16, 17-64 and more.
SIZE_BOUNDS = np.array([4.0, 16.0, 64.0])
LIMIT_BOUNDS_S = np.array([1.0, 4.0, 12.0, 24.0]) * 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class PastWaits:
    """Jobs that had started by ``now_s``, oldest start first: arrays of one length."""

    now_s: float
    start_s: FloatArray  # in the origin of now_s
    wait_s: FloatArray
    procs: FloatArray
    limit_s: FloatArray
    partition: npt.NDArray[np.int64]  # codes

    def newest(self, n: int, *, longer_than_s: float = 0.0) -> PastWaits:
        """Of the ``n`` newest, those that waited longer than the job in question has; 0: all."""
        newest = self._take(slice(max(0, self.start_s.size - n), None))
        return newest._take(newest.wait_s > longer_than_s) if longer_than_s > 0.0 else newest

    def since(self, start_s: float) -> PastWaits:
        return self._take(slice(int(np.searchsorted(self.start_s, start_s)), None))

    def _take(self, rows: slice | BoolArray) -> PastWaits:
        return PastWaits(
            self.now_s,
            self.start_s[rows],
            self.wait_s[rows],
            self.procs[rows],
            self.limit_s[rows],
            self.partition[rows],
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a job asks for: ``procs`` in the unit of the past's, ``partition`` as a code of it."""

    procs: float
    limit_s: float
    partition: int | None  # None: nobody has been seen to start in it


Likeness = Callable[[PastWaits, Shape], BoolArray]


def of_partition(past: PastWaits, shape: Shape) -> BoolArray:
    code = -1 if shape.partition is None else shape.partition
    return np.equal(past.partition, code)


def of_size_class(past: PastWaits, shape: Shape) -> BoolArray:
    return _same_class(past.procs, shape.procs, SIZE_BOUNDS)


def of_limit_class(past: PastWaits, shape: Shape) -> BoolArray:
    return _same_class(past.limit_s, shape.limit_s, LIMIT_BOUNDS_S)


def within_factor_2_in_size(past: PastWaits, shape: Shape) -> BoolArray:
    return np.logical_and(past.procs * 2.0 >= shape.procs, past.procs <= shape.procs * 2.0)


def widening(past: PastWaits, shape: Shape, *likenesses: Likeness) -> list[BoolArray]:
    """Rows that are alike in all respects, then without the last one, and so on; all rows last."""
    rows = [np.ones(past.wait_s.size, dtype=np.bool_)]
    for likeness in likenesses:
        rows.append(rows[-1] & likeness(past, shape))
    return rows[::-1]


def _same_class(values: FloatArray, value: float, bounds: FloatArray) -> BoolArray:
    at = int(np.searchsorted(bounds, value))  # bounds[at - 1] < value <= bounds[at]
    edges = np.concatenate(([-np.inf], bounds, [np.inf]))
    return np.logical_and(values > float(edges[at]), values <= float(edges[at + 1]))
