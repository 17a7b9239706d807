"""Ninth deciles that are led by whether the last ones held, however queues change.

What ``shift`` learns from the past is right while waits stay what they were. Where queues grow for
weeks those who wait longest have not started yet, and every bound learnt from starts is too short.
So a bound is moved, outcome by outcome: a little up by each that broke it, a ninth of that down by
each that held (the quantile tracker of Angelopoulos, Candès, Tibshirani, NeurIPS 2023, after the
adaptive levels of Gibbs and Candès, NeurIPS 2021). In the long run nine of ten hold, as long as the
bound needs no more than ``MOST``.
"""

from __future__ import annotations

import heapq

import numpy as np

from planner.calibration.told import FloatArray, Told

LEVEL = 0.9
# Of log(1 + bound), by the outcomes of one instant. Half as much was too slow for queues that grow
# for weeks; with ten times as much bounds swing, as what they are led by comes late.
STEP = 0.005
MOST = 1.0  # of it, either way: beyond, the bound is wrong for another reason


def tracked(told: Told, now_s: float) -> dict[int, float]:
    """By group what to add to log(1 + p90) after what was known by ``now_s``.

    A bound is known to hold once the job has started, and to be broken once it is over: what waits
    still within its bound says nothing yet. Forecasts of one instant share its step.
    """
    told = told.as_of(now_s)
    _, instant, sharers = np.unique(
        np.stack((told.issued_s, told.group)), axis=1, return_inverse=True, return_counts=True
    )
    steps = STEP / sharers[instant.ravel()]
    by: dict[int, float] = {}
    awaited: list[tuple[float, int, float]] = []  # when it is known, the row, whether it was broken
    for row in np.argsort(told.issued_s, kind="stable").tolist():
        _learn(awaited, float(told.issued_s[row]), by, told, steps)
        log_bound = float(np.log1p(told.p90_s[row])) + by.get(int(told.group[row]), 0.0)
        bound_s, waited_s = max(float(np.expm1(log_bound)), 0.0), float(told.waited_s[row])
        if waited_s > bound_s:
            heapq.heappush(awaited, (told.issued_s[row] + bound_s, row, 1.0))
        elif not told.is_censored[row]:
            heapq.heappush(awaited, (told.issued_s[row] + waited_s, row, 0.0))
    _learn(awaited, now_s, by, told, steps)
    return by


def _learn(
    awaited: list[tuple[float, int, float]],
    until_s: float,
    by: dict[int, float],
    told: Told,
    steps: FloatArray,
) -> None:
    """What is known by then moves the bounds of its group."""
    while awaited and awaited[0][0] <= until_s:
        _, row, broken = heapq.heappop(awaited)
        group = int(told.group[row])
        moved = by.get(group, 0.0) + float(steps[row]) * (broken - (1.0 - LEVEL))
        by[group] = min(max(moved, -MOST), MOST)
