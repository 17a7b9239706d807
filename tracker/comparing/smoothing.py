"""Smoothing of curves: an exponential moving average without a head start. Pure NumPy."""

from __future__ import annotations

import numpy as np

from tracker.curves import Floats

NOTHING = 1e-20  # of a double: what is weighted less adds nothing to a sum


def smooth(value: Floats, weight: float) -> Floats:
    """The average ``s_i = weight·s_(i-1) + (1 - weight)·value_i`` from 0 on, over ``1 - weight^i``.

    The division takes away the pull towards 0 of the first rows: the bias correction of Kingma and
    Ba (Adam, 2015, section 3), and what TensorBoard's slider does. Rows that are not finite are
    left out of the average, and are NaN in it. ``weight`` lies in [0, 1).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"the weight is {weight}; give one of at least 0 and below 1")
    finite = np.flatnonzero(np.isfinite(value))
    smoothed = np.full(len(value), np.nan)
    smoothed[finite] = _average(value[finite], weight) if weight else value[finite]
    return smoothed


def _average(value: Floats, weight: float) -> Floats:
    """Sums that reach back 1, 2, 4, … rows, each made of two half as long: no loop over rows."""
    average = (1 - weight) * value
    reach = 1
    while reach < len(value) and weight**reach > NOTHING:
        average[reach:] += weight**reach * average[:-reach]
        reach *= 2
    mass = -np.expm1(np.arange(1, len(value) + 1) * np.log(weight))
    return np.asarray(average / mass)
