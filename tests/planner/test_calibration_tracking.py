"""Ninth deciles led by whether the last ones held: right in the long run while queues grow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.calibration import Calibration
from planner.calibration.tracking import LEVEL, MOST, STEP, tracked
from planner.quantiles import Quantiles
from tests.planner.test_calibration import LATER_S, MINUTE_S, exponential, together, told

SAID = (10.0, 100.0, 1000.0)
EVERY = 200  # forecasts, after which they are calibrated anew


def test_nine_of_ten_hold_while_waits_grow_for_weeks() -> None:
    n, said_s = 12_000, 1382.0  # the ninth decile of the first waits
    waited_s = exponential(n, 600.0) * np.linspace(1.0, 2.2, n)
    record = told(waited_s, (63.0, 416.0, said_s))
    bound_s = np.full(n, said_s)
    for start in range(0, n, EVERY):
        earlier = record.take(np.arange(start))
        by = tracked(earlier, float(record.issued_s[start])).get(0, 0.0)
        bound_s[start : start + EVERY] = np.expm1(np.log1p(said_s) + by)
    later = slice(n // 3, n)
    assert (waited_s <= said_s)[later].mean() < 0.78
    assert (waited_s <= bound_s)[later].mean() == pytest.approx(0.9, abs=0.03)


def test_a_bound_that_is_over_counts_before_the_job_has_started() -> None:
    waiting = told([5000.0], SAID, is_censored=[True])
    assert tracked(waiting, 900.0) == {}
    assert tracked(waiting, 1001.0) == {0: pytest.approx(STEP * LEVEL)}


def test_what_waits_still_within_its_bound_says_nothing() -> None:
    assert tracked(told([900.0], SAID, is_censored=[True]), LATER_S) == {}


def test_nine_that_held_weigh_as_much_as_one_that_broke() -> None:
    assert tracked(told([5.0] * 9 + [2000.0], SAID), LATER_S)[0] == pytest.approx(0.0)


def test_forecasts_of_one_instant_share_its_step() -> None:
    record = told(np.full(40, 2000.0), SAID)
    at_once = replace(record, issued_s=np.zeros(40))
    assert tracked(at_once, LATER_S)[0] == pytest.approx(STEP * LEVEL)
    assert tracked(record, LATER_S)[0] == pytest.approx(40 * STEP * LEVEL)


def test_nothing_that_came_later_counts() -> None:
    record = told(exponential(500, 3600.0), SAID)
    now_s = 300 * MINUTE_S
    unknown = record.issued_s + record.waited_s > now_s
    longer = replace(record, waited_s=np.where(unknown, 1e9, record.waited_s))
    assert tracked(record, now_s) == tracked(longer, now_s)


def test_a_bound_is_moved_by_so_much_at_most() -> None:
    assert tracked(told(np.full(2000, 1e9), SAID), LATER_S) == {0: MOST}


def test_groups_are_led_by_their_own_outcomes() -> None:
    broken, kept = told([2000.0] * 100, SAID), told([5.0] * 100, SAID, group=1)
    by = tracked(together(broken, kept), LATER_S)
    assert by == {0: pytest.approx(100 * STEP * LEVEL), 1: pytest.approx(-10 * STEP)}


def test_a_learner_is_corrected_in_part_and_its_bound_is_led() -> None:
    record = told(exponential(300, 300.0), SAID)
    full = Calibration.fit(record, LATER_S).apply(Quantiles(*SAID), 0)
    light = Calibration.fit_learner(record, LATER_S).apply(Quantiles(*SAID), 0)
    assert full.p50_s is not None and light.p50_s is not None
    assert full.p50_s > 150.0
    part = np.log1p(light.p50_s) - np.log1p(100.0)
    assert part == pytest.approx(2 / 3 * (np.log1p(full.p50_s) - np.log1p(100.0)))
    led_s = np.expm1(np.log1p(1000.0) + tracked(record, LATER_S)[0])
    assert led_s < 970.0
    assert light.p90_s == pytest.approx(led_s)


def test_a_group_never_seen_keeps_the_bound_of_a_learner() -> None:
    calibration = Calibration.fit_learner(told(exponential(300, 300.0), SAID), LATER_S)
    assert calibration.apply(Quantiles(*SAID), 7).p90_s == pytest.approx(1000.0)
