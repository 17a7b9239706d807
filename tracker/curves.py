"""Curves for plots: which points to draw of many. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Columns of equal length, by rising step; ``time_s`` in epoch seconds."""

    step: Whole
    time_s: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.step)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Curve:
        return Curve(self.step[chosen], self.time_s[chosen], self.value[chosen])


def newest_attempts(step: Whole, attempt: Whole) -> NDArray[np.bool_]:
    """Which rows belong to the newest attempt of their step. Rows come by step, then attempt."""
    if not len(step):
        return np.zeros(0, dtype=np.bool_)
    last_of_step = np.append(step[1:] != step[:-1], True)
    newest = attempt[last_of_step]
    return np.asarray(attempt == newest[np.cumsum(last_of_step) - last_of_step])


def thin(curve: Curve, max_points: int) -> Curve:
    """At most ``max_points`` rows that draw the same picture: of each stretch its lowest and its
    highest value; the first and the last row; and, before others, rows that are not finite.

    ``max_points`` must be at least 4. Rows are never made up, and keep their order.
    """
    if max_points < 4:
        raise ValueError(f"max_points is {max_points}; give at least 4")
    if len(curve) <= max_points:
        return curve
    finite = np.isfinite(curve.value)
    strange = np.flatnonzero(~finite)
    # Of very many such rows an even choice, so that finite ones keep at least half the room.
    strange = _evenly(strange, max_points // 2 - 1)
    ends = np.array([0, len(curve) - 1])
    plain = np.flatnonzero(finite)
    room = max_points - len(np.union1d(strange, ends))
    chosen = np.union1d(np.union1d(strange, ends), _lows_and_highs(curve.value, plain, room // 2))
    return curve.take(chosen)


def _evenly(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]


def _lows_and_highs(value: Floats, rows: NDArray[np.intp], stretches: int) -> NDArray[np.intp]:
    """The lowest and the highest row of each of so many stretches of ``rows``, all but the last
    equally long."""
    if not len(rows) or stretches < 1:
        return rows[:0]
    length = -(-len(rows) // stretches)
    whole = len(rows) // length * length
    found = [_ends(value, rows[:whole].reshape(-1, length))]
    if whole < len(rows):
        found.append(_ends(value, rows[whole:].reshape(1, -1)))
    return np.unique(np.concatenate(found))


def _ends(value: Floats, stretches: NDArray[np.intp]) -> NDArray[np.intp]:
    of = np.arange(len(stretches))
    values = value[stretches]
    low, high = values.argmin(axis=1), values.argmax(axis=1)
    return np.concatenate([stretches[of, low], stretches[of, high]])
