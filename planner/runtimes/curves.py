"""Distributions of run times, made continuous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.runtimes.alike import IntArray
from planner.runtimes.samples import FloatArray, Samples

_APART = 64.0  # more than the logarithm of any run time: keeps the curves of a stack apart
OVERTIME_S = 30.0  # Slurm looks for jobs past their limit twice a minute
_TWICE = math.log(2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A distribution function by its knots, straight between them over the log of time."""

    share: FloatArray  # from 0 to 1, never falling
    log_s: FloatArray  # never falling

    @classmethod
    def through(cls, ends: Samples, limit_s: float) -> Curve:
        """Of ends of weight 1 in all; the shortest may run half as long as any of them. What ends
        at the limit does so in the next OVERTIME_S.
        """
        log_limit = math.log(limit_s)
        inner = ends.log_s < log_limit
        knots, weight = ends.log_s[inner], ends.weight[inner]
        share = np.minimum(1.0, np.cumsum(weight))
        within = float(share[-1]) if len(share) else 0.0
        shortest = float(knots[0]) if len(knots) else log_limit
        if math.isinf(limit_s):
            longest = last = float(knots[-1])
        else:
            longest, last = log_limit, math.log(limit_s + OVERTIME_S)
        return cls(
            np.concatenate(([0.0], share - weight / 2.0, [within, 1.0])),
            np.concatenate(([max(0.0, shortest - _TWICE)], knots, [longest, last])),
        )


class Curves:
    """Curves laid end to end, so that one look-up serves many jobs."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        number = np.repeat(np.arange(len(curves)), [len(curve.share) for curve in curves])
        self._share = np.concatenate([curve.share for curve in curves])
        self._log_s = np.concatenate([curve.log_s for curve in curves])
        self._by_share = self._share + 2.0 * number
        self._by_time = self._log_s + _APART * number

    def share_by(self, curve: IntArray, log_s: FloatArray) -> FloatArray:
        """The probability to have ended by then."""
        share: FloatArray = np.interp(_APART * curve + log_s, self._by_time, self._share)
        return share

    def log_s_at(self, curve: IntArray, share: FloatArray) -> FloatArray:
        """The time by which that share has ended."""
        log_s: FloatArray = np.interp(2.0 * curve + share, self._by_share, self._log_s)
        return log_s
