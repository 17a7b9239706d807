"""How like a moment of the past is to now."""

from __future__ import annotations

import numpy as np

from planner.arrivals.past import DAY_S, FloatArray, PastSubmissions

DAYS_A_WEEK = 7
WEEKS = 3  # of history, with which days of the week are told apart
# Weekends and workdays differ, but a few weeks of the same day alone vary too little: on the KTH
# SP2 log the submissions of a day then fell into the 80 % interval in 59 % of cases.
OTHER_DAY = 0.1
HALF_LIFE_DAYS = 28.0  # but half the history where that is shorter
# Standard deviation of the logarithm of the ratio of submissions in the day before. Busy days
# follow busy days.
ACTIVITY_WIDTH = 0.5
FEW = 3.0  # submissions: so many are hardly more than none


def likeness(past: PastSubmissions, now_s: float, lags_s: FloatArray) -> FloatArray:
    """A weight for each moment ``lags_s``, whole days, before now: by the day of the week, by age,
    and by how much had been submitted in the 24 hours before it."""
    days = np.rint(lags_s / DAY_S)
    tells_days_apart = days.size >= WEEKS * DAYS_A_WEEK
    half_life_days = min(HALF_LIFE_DAYS, days.size / 2.0)
    same_day = (days % DAYS_A_WEEK == 0) | (not tells_days_apart)
    weights = np.where(same_day, 1.0, OTHER_DAY) * 0.5 ** (days / half_life_days)
    then_s = now_s - lags_s
    # Of the oldest day a part may be unknown: it is compared with as much of the newest.
    known_s = np.minimum(then_s - past.since_s, DAY_S)
    before_now = past.count(now_s - DAY_S, now_s) * known_s / DAY_S
    ratio = (before_now + FEW) / (past.count(then_s - known_s, then_s) + FEW)
    similar = np.exp(-0.5 * (np.log(ratio) / ACTIVITY_WIDTH) ** 2)
    found: FloatArray = weights * similar
    return found
