"""Distributions of run times: weighted samples, some of them censored, made continuous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.runtimes.alike import IntArray
from planner.runtimes.past import FloatArray
from planner.runtimes.window import Samples

_APART = 64.0  # more than the logarithm of any run time: keeps the curves of a stack apart
_NEXT = 1e-9  # in the logarithm: no later than any other
_TWICE = math.log(2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A distribution function by its knots, straight between them over the log of time."""

    share: FloatArray  # from 0 to 1, never falling
    log_s: FloatArray  # never falling

    @classmethod
    def through(cls, samples: Samples, limit_s: float) -> Curve:
        """The product-limit estimate of Kaplan and Meier (1958), with weights.

        What is left behind the last end below the limit ends at the limit; for jobs without one
        at twice the longest run. The shortest may run half as long as any that ended.
        """
        # At one time ends come first. The sort merges the parts, each in order, of the samples.
        order = np.argsort(samples.log_s + _NEXT * ~samples.is_end, kind="stable")
        log_s, weight, is_end = samples.log_s[order], samples.weight[order], samples.is_end[order]
        at_risk = np.cumsum(weight[::-1])[::-1]
        after = np.cumprod(np.where(is_end, 1.0 - np.minimum(1.0, weight / at_risk), 1.0))
        before = np.concatenate(([1.0], after[:-1]))
        log_limit = math.log(limit_s)
        inner = np.flatnonzero(is_end & (log_s < log_limit))
        knots = log_s[inner]
        shortest = float(knots[0]) if len(knots) else log_limit
        longest = float(knots[-1]) + _TWICE if math.isinf(limit_s) else log_limit
        left = float(after[inner[-1]]) if len(knots) else 1.0
        return cls(
            np.concatenate(([0.0], 1.0 - (before[inner] + after[inner]) / 2.0, [1.0 - left, 1.0])),
            np.concatenate(([max(0.0, shortest - _TWICE)], knots, [longest, longest])),
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
