"""Weighted run times, some of them censored, and what they tell once those are resolved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_NEXT = 1e-9  # in the logarithm: no later than any other
_TWICE = math.log(2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Run times, shortest first; with ``is_end`` False a job runs at least so long."""

    log_s: FloatArray
    weight: FloatArray
    is_end: BoolArray

    def resolved(self, coarser: Samples, coarser_weight: float, limit_s: float) -> Samples:
        """Ends alone, of weight 1 in all: these samples, and beside them less alike ones.

        ``coarser`` are ends of weight 1 in all, the prior guess of a Dirichlet process that weighs
        ``coarser_weight``: Susarla and Van Ryzin (1976), computed as the product-limit estimate of
        Kaplan and Meier (1958). So a job that runs still ends as they do beyond its age, unless
        its like have lived so long. Beyond them all it ends at the limit; without one, at twice the
        longest.
        """
        log_s = np.concatenate((coarser.log_s, self.log_s))
        weight = np.concatenate((coarser_weight * coarser.weight, self.weight))
        is_end = np.concatenate((coarser.is_end, self.is_end))
        # At one time ends come first. The sort merges two parts that are in order.
        order = np.argsort(log_s + _NEXT * ~is_end, kind="stable")
        log_s, weight, is_end = log_s[order], weight[order], is_end[order]
        at_risk = np.cumsum(weight[::-1])[::-1]
        after = np.cumprod(np.where(is_end, 1.0 - np.minimum(1.0, weight / at_risk), 1.0))
        ends = -np.diff(after, prepend=1.0)
        kept = ends > 0.0
        longest = float(log_s[-1]) + _TWICE if math.isinf(limit_s) else math.log(limit_s)
        if after[-1] <= 0.0:
            return Samples(log_s[kept], ends[kept], is_end[kept])
        return Samples(
            np.append(log_s[kept], longest),
            np.append(ends[kept], after[-1]),
            np.append(is_end[kept], True),
        )
