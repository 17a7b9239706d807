"""By how much one level of past forecasts was too short or too long, after what it had said.

A model that says "at once" too often and is right about long waits needs no longer bounds where it
said an hour: a correction is learnt from forecasts that had said about the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.calibration.survival import weighted_quantile
from planner.calibration.told import BoolArray, FloatArray

ROWS_A_KNOT = 100.0  # weight: from fewer a ninth decile is a guess
MOST_KNOTS = 6


@dataclass(frozen=True, slots=True)
class Shift:
    """Of log(1 + said), straight between knots and level beyond them."""

    log_said: tuple[float, ...]  # rising
    by: tuple[float, ...]

    def at(self, log_said: float) -> float:
        return float(np.interp(log_said, self.log_said, self.by))

    def mixed(self, other: Shift, share: float) -> Shift:
        """``share`` of this one, the rest of the other."""
        knots = sorted({*self.log_said, *other.log_said})
        by = (share * self.at(knot) + (1.0 - share) * other.at(knot) for knot in knots)
        return Shift(tuple(knots), tuple(by))


UNCHANGED = Shift((0.0,), (0.0,))


def learnt(
    said_s: FloatArray,
    waited_s: FloatArray,
    is_censored: BoolArray,
    weights: FloatArray,
    level: float,
) -> Shift:
    """With which the share ``level`` of starts would have come by what was said, whatever that was.

    At each knot the weighted quantile of the residuals, those counting most that had said the
    like: by rank, so that each rests on as many. At none is more said than the longest wait, if
    that much had not been said; and a larger bound never becomes the smaller one.
    """
    log_said = np.log1p(said_s)
    residual = np.log1p(waited_s) - log_said
    knots = int(np.clip(weights.sum() // ROWS_A_KNOT, 1, MOST_KNOTS))
    values, place = np.unique(log_said, return_inverse=True)
    of_value = np.bincount(place, weights)
    rank = (np.cumsum(of_value) - of_value / 2.0) / of_value.sum()  # of equal ones the same
    inner = np.searchsorted(rank, (np.arange(knots) + 0.5) / knots)
    at = np.unique(np.append(inner.clip(max=rank.size - 1), rank.size - 1))
    by = []
    for knot in at:
        likeness = np.exp(-0.5 * ((rank[place] - rank[knot]) * 2.0 * knots) ** 2)
        found = weighted_quantile(
            residual, is_censored, weights * (likeness if knots > 1 else 1.0), level
        )
        by.append(0.0 if found is None else found)
    longest = np.maximum(np.log1p(waited_s.max()), values[at])
    told = np.maximum.accumulate(np.minimum(values[at] + np.array(by), longest))
    return Shift(tuple(values[at].tolist()), tuple((told - values[at]).tolist()))
