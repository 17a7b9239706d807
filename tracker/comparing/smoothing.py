"""Smoothing of curves: an exponential moving average without a head start. Pure NumPy."""

from __future__ import annotations

import numpy as np

from tracker.curves import Floats

BLOCK = 64  # rows that are averaged at once
SETTLED = 40.0  # 1 - exp(-40) is 1 in a double: from there on nothing is to be corrected


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
    """Block by block: inside one a matrix does the work, from one to the next a sum is carried."""
    rows = -(-len(value) // BLOCK)
    blocks = np.concatenate([value, np.zeros(rows * BLOCK - len(value))]).reshape(rows, BLOCK)
    back = np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK))
    within = np.where(back >= 0, (1 - weight) * weight ** np.maximum(back, 0), 0.0)
    sums = blocks @ within.T
    sums += np.outer(_carried(sums[:, -1], weight**BLOCK), weight ** np.arange(1, BLOCK + 1))
    average = sums.ravel()[: len(value)]
    early = np.arange(1, min(len(value), int(SETTLED / -np.log(weight)) + 1) + 1)
    average[: len(early)] /= -np.expm1(early * np.log(weight))
    return average


def _carried(ends: Floats, weight: float) -> Floats:
    """What stands before each block, of the sums that the blocks alone end with."""
    before, carried = np.zeros(len(ends)), 0.0
    for row, end in enumerate(ends.tolist()):
        before[row] = carried
        carried = weight * carried + end
    return before
