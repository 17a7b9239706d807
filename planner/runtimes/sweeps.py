"""What jobs of a sweep that have just ended tell of those that run or wait: whether they run alike,
and how long.

The groups of like jobs alone cannot tell: whoever has outlived its siblings is left to less alike
jobs, and so seemed to have half as long again before it as it had.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from planner.runtimes.alike import IntArray
from planner.runtimes.past import PastRuns
from planner.runtimes.samples import FloatArray, Samples

NEWEST = 5  # that have just ended
# Standard deviation of what alike jobs run, in the logit of the share of the limit (as SMEAR; of
# the logarithm where there is no limit), and the least one of jobs that are not.
WITHIN, APART = 0.2, 0.5
# Of a sweep that runs alike one job in ten goes its own way.
MOSTLY = 0.9
# Before any has ended, a sweep is as likely alike as not: on the first half of KTH's log two jobs
# of one ended within a tenth of each other's distribution in half of the cases.
_NEAREST_0, _NEAREST_LIMIT = 1e-4, 1e-3  # shares of the limit that are told apart from it
_POINTS = np.array([NormalDist().inv_cdf((place + 0.5) / 9) for place in range(9)])


def just_ended_s(past: PastRuns, rows: IntArray, now_s: float) -> FloatArray:
    """Run times of the newest of those rows of one sweep that ran beside one that runs still, and
    ended no longer ago than they ran.

    A name, a size and a limit may stand for months: what ran before is no part of this sweep.
    """
    start_s, end_s = past.start_s[rows], past.end_s[rows]
    has_ended, run_s = end_s <= now_s, end_s - start_s
    if has_ended.all():
        return np.empty(0)
    is_beside = end_s > start_s[~has_ended].min()
    lately = has_ended & is_beside & (now_s - end_s <= run_s)
    newest_s: FloatArray = np.maximum(1.0, run_s[lately][-NEWEST:])
    return newest_s


def mixed(ends: Samples, coarser: Samples, just_ended: FloatArray, limit_s: float) -> Samples:
    """``ends`` of a sweep's jobs, of weight 1 in all, and beside them what they run if alike; by
    the chance that they are.

    If they are, their measures are normal around one that comes from ``coarser``, else each comes
    from there by itself: Bayes' rule over the two, each taken as normal.
    """
    x = _measure(np.log(just_ended), limit_s)
    known = _measure(coarser.log_s, limit_s)
    mean = float(coarser.weight @ known)
    between = max(APART**2, float(coarser.weight @ (known - mean) ** 2))
    within, n = WITHIN**2, len(x)
    off, spread = float(np.sum((x - mean) ** 2)), float(np.sum((x - x.mean()) ** 2))
    together = within + n * between
    log_odds = 0.5 * (
        n * math.log(between + within)
        - (n - 1) * math.log(within)
        - math.log(together)
        + off / (between + within)
        - spread / within
        - (off - spread) / together
    )
    share = MOSTLY * 0.5 * (1.0 + math.tanh(0.5 * log_odds))
    middle = (mean * within + float(x.sum()) * between) / together
    deviation = math.sqrt(within + within * between / together)
    log_s = np.concatenate((ends.log_s, _log_s(middle + deviation * _POINTS, limit_s)))
    each = np.full(len(_POINTS), share / len(_POINTS))
    weight = np.concatenate(((1.0 - share) * ends.weight, each))
    order = np.argsort(log_s, kind="stable")
    return Samples(log_s[order], weight[order], np.full(len(order), True))


def _measure(log_s: FloatArray, limit_s: float) -> FloatArray:
    if math.isinf(limit_s):
        return log_s
    share = np.clip(np.exp(log_s) / limit_s, _NEAREST_0, 1.0 - _NEAREST_LIMIT)
    logit: FloatArray = np.log(share) - np.log1p(-share)
    return logit


def _log_s(measure: FloatArray, limit_s: float) -> FloatArray:
    """The inverse; what comes as near to the limit as nobody tells apart is at it."""
    if math.isinf(limit_s):
        return np.maximum(0.0, measure)
    log_share = -np.logaddexp(0.0, -measure)
    log_share = np.where(log_share > math.log1p(-3 * _NEAREST_LIMIT), 0.0, log_share)
    return np.maximum(0.0, math.log(limit_s) + log_share)
