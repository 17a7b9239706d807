"""How a curve is looked at: over what, how smooth, and which stretch of it. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tracker.comparing.seeds import Band, Line
from tracker.comparing.smoothing import smooth
from tracker.curves import Curve, Floats, thin

Axis = Literal["step", "time", "relative"]


@dataclass(frozen=True, slots=True)
class Look:
    """``x``: step, epoch seconds, or seconds since the curve's first point; ``from_x`` and ``to_x``
    are in its unit. ``group_by`` is what ``groups`` takes."""

    x: Axis = "step"
    smoothing: float = 0.0
    from_x: float | None = None
    to_x: float | None = None
    max_points: int = 1_000
    group_by: tuple[str, ...] = ()
    band: Band = "range"


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Columns of equal length; ``smoothed`` is NaN where the value is not finite, and None where
    nothing was to be smoothed."""

    x: Floats
    value: Floats
    smoothed: Floats | None

    def take(self, rows: NDArray[np.intp]) -> Drawn:
        smoothed = None if self.smoothed is None else self.smoothed[rows]
        return Drawn(self.x[rows], self.value[rows], smoothed)


def drawn(curve: Curve, look: Look) -> Drawn:
    """What is to be seen of a whole curve, thinned as ``curves.thin`` does. It is smoothed before
    it is cut or thinned: a closer look does not change the line."""
    seen = _seen(curve, look)
    rows = np.arange(len(seen.x))
    return seen.take(thin(Curve(rows, seen.x, seen.value), look.max_points).step)


def line(curve: Curve, look: Look) -> Line:
    """The same stretch with every point, as one of those that are averaged."""
    seen = _seen(curve, look)
    return Line(seen.x, seen.value if seen.smoothed is None else seen.smoothed)


def _seen(curve: Curve, look: Look) -> Drawn:
    x = _places(curve, look.x)
    smoothed = smooth(curve.value, look.smoothing) if look.smoothing else None
    return Drawn(x, curve.value, smoothed).take(_within(x, look.from_x, look.to_x))


def _places(curve: Curve, axis: Axis) -> Floats:
    if axis == "step":
        return curve.step.astype(np.float64)
    if axis == "time" or not len(curve):
        return curve.time_s
    return np.asarray(curve.time_s - curve.time_s.min())


def _within(x: Floats, low: float | None, high: float | None) -> NDArray[np.intp]:
    """Rows of the stretch and their neighbours, so that lines go on to its edges."""
    if not len(x) or low is high is None:
        return np.arange(len(x))
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    inside = np.flatnonzero((x >= low) & (x <= high))
    if len(inside):
        first, last = inside[0] - 1, inside[-1] + 1
    else:  # between two points, or beside the curve
        last = np.searchsorted(x, low)
        first = last - 1
    return np.arange(max(first, 0), min(last, len(x) - 1) + 1)
