"""The Binomial Method Batch Predictor of Brevik, Nurmi and Wolski (PPoPP 2006).

Of n independent waits, the number below the true quantile q is binomial, so an order statistic of
them bounds the quantile with a known confidence, whatever the distribution of waits. Queues change,
so when bounds are exceeded again and again the history before is dropped.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable
from functools import cache

import numpy as np

from planner.baselines.past import PastWaits, Shape, of_partition, of_size_class, widening
from planner.quantiles import Quantiles

CONFIDENCE = 0.95
FEWEST = 29  # waits: the largest of fewer does not bound the 0.9 quantile with that confidence
# Three in a row are rare for independent waits, but waits come in long good and bad spells; the
# paper raises the length with the autocorrelation, from a simulated table. Here one length serves
# all: on the first 40 % of the KTH SP2 log eight kept the bound (92 % started within it) and made
# it a third narrower than three.
EXCEEDED_IN_A_ROW = 8
LOOK_BACK = 20_000  # newest waits that are looked at
LONGEST = 1_000  # waits of a class that are walked through


def bmbp(past: PastWaits, shape: Shape, waited_s: float = 0.0) -> Quantiles | None:
    """Bounds from the waits of the same partition and class of size since the last change.

    ``p90_s`` is at least the true 0.9 quantile with 95 % confidence, ``p50_s`` at least the true
    median, and ``p10_s`` at most the true 0.1 quantile. None with fewer than 29 waits.
    """
    recent = past.newest(LOOK_BACK, longer_than_s=waited_s)
    for like in widening(recent, shape, of_partition, of_size_class):
        waits_s = recent.wait_s[like][-LONGEST:]
        if waits_s.size >= FEWEST:
            ranked = _since_change(waits_s.tolist())
            n = len(ranked)
            return Quantiles(
                ranked[n - upper_rank(n, 0.9)] - waited_s,  # by symmetry: q and 1 - q change sides
                ranked[upper_rank(n, 0.5) - 1] - waited_s,
                ranked[upper_rank(n, 0.9) - 1] - waited_s,
            )
    return None


@cache
def upper_rank(n: int, quantile: float) -> int:
    """The smallest k for which the k-th smallest of n independent values is at least the quantile
    with 95 % confidence: P(Binomial(n, quantile) < k) >= 0.95.

    Raises ValueError where n is too small for any.
    """
    x = np.arange(n)
    log_choose = np.array(
        [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(n)]
    )
    below = np.exp(log_choose + x * math.log(quantile) + (n - x) * math.log1p(-quantile)).cumsum()
    rank = int(np.searchsorted(below, CONFIDENCE)) + 1
    if rank > n:
        raise ValueError(
            f"{n} values bound no {quantile} quantile with {CONFIDENCE:.0%} confidence"
        )
    return rank


def _since_change(waits_s: Iterable[float]) -> list[float]:
    """The waits, smallest first, that came after the bound was last exceeded too often in a row;
    always at least FEWEST."""
    newest: list[float] = []
    ranked: list[float] = []
    exceeded = 0
    for wait_s in waits_s:
        n = len(ranked)
        if n >= FEWEST:
            exceeded = exceeded + 1 if wait_s > ranked[upper_rank(n, 0.9) - 1] else 0
        newest.append(wait_s)
        insort(ranked, wait_s)
        if exceeded == EXCEEDED_IN_A_ROW:
            newest = newest[-FEWEST:]
            ranked = sorted(newest)
            exceeded = 0
    return ranked
