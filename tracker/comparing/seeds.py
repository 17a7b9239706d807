"""Curves of runs that differ in their seed alone, as one: their mean and how far they lie apart.

Pure NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tracker.curves import Floats, Whole

Band = Literal["range", "std"]


@dataclass(frozen=True, slots=True)
class Line:
    """One run's curve, as what is averaged: ``x`` need not rise, values may be not finite."""

    x: Floats
    value: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Columns of equal length by rising ``x``; ``count`` is of runs that have a value there."""

    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    count: Whole


def spread(lines: Sequence[Line], max_points: int, band: Band = "range") -> Spread:
    """Mean, and least and greatest value (``range``) or mean ± sample standard deviation (``std``).

    Where the runs have at most ``max_points`` places together, it stands at each of them; else
    each run is averaged over so many equal stretches first. Between its own points a run is
    interpolated; before its first and after its last it counts not at all. Of a single run both
    bands have no width.
    """
    rising = [_rising(line) for line in lines]
    rising = [line for line in rising if len(line.x)]
    if not rising:
        nothing = np.zeros(0)
        return Spread(nothing, nothing, nothing, nothing, np.zeros(0, dtype=np.int64))
    grid = np.unique(np.concatenate([line.x for line in rising]))
    if len(grid) > max_points:
        edges = np.linspace(grid[0], grid[-1], max_points + 1)
        rising = [_stretches(line, edges) for line in rising]
        grid = (edges[1:] + edges[:-1]) / 2
    return _across(grid, np.array([_on_grid(line, grid) for line in rising]), band)


def _rising(line: Line) -> Line:
    """By rising x, of each x the mean of its finite values."""
    finite = np.isfinite(line.value) & np.isfinite(line.x)
    x, place, count = np.unique(line.x[finite], return_inverse=True, return_counts=True)
    return Line(x, np.bincount(place, line.value[finite], len(x)) / count)


def _stretches(line: Line, edges: Floats) -> Line:
    """The mean of each stretch between two edges, at its middle."""
    stretch = np.clip(np.searchsorted(edges, line.x, side="right") - 1, 0, len(edges) - 2)
    count = np.bincount(stretch, minlength=len(edges) - 1)
    total = np.bincount(stretch, line.value, len(edges) - 1)
    taken = count > 0
    middle = (edges[1:] + edges[:-1]) / 2
    return Line(middle[taken], total[taken] / count[taken])


def _on_grid(line: Line, grid: Floats) -> Floats:
    return np.interp(grid, line.x, line.value, left=np.nan, right=np.nan)


def _across(grid: Floats, values: NDArray[np.float64], band: Band) -> Spread:
    """``values`` has a row for each run; NaN where a run has none."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    reached = count > 0
    grid, values, known, count = (
        grid[reached],
        values[:, reached],
        known[:, reached],
        count[reached],
    )
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    if band == "std":
        squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
        apart = np.sqrt(squares / np.maximum(count - 1, 1))
        return Spread(grid, mean, mean - apart, mean + apart, count)
    low = np.where(known, values, np.inf).min(axis=0)
    high = np.where(known, values, -np.inf).max(axis=0)
    return Spread(grid, mean, low, high, count)
