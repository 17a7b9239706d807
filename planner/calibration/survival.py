"""Quantiles of values of which some are only known to be larger than seen."""

from __future__ import annotations

import numpy as np

from planner.calibration.told import BoolArray, FloatArray


def weighted_quantile(
    values: FloatArray, is_censored: BoolArray, weights: FloatArray, level: float
) -> float | None:
    """The smallest value seen at which the weighted share of smaller or equal ones reaches
    ``level``, by Kaplan and Meier's estimate (J. Am. Stat. Assoc. 53, 1958).

    The weight of a censored value goes to those seen to be larger. None where none is seen; the
    largest of all, seen or not, where the share never gets so far: it is at least that.
    """
    order = np.lexsort((is_censored, values))  # at one value those seen come first, as usual
    values, weights, seen = values[order], weights[order], ~is_censored[order]
    if not seen.any():
        return None
    at_risk = np.cumsum(weights[::-1])[::-1]
    share = 1.0 - np.cumprod(np.where(seen, 1.0 - weights / at_risk, 1.0))
    reached = np.flatnonzero(seen & (share >= level - 1e-12))
    return float(values[reached[0] if reached.size else -1])
