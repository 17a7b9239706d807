"""Methods that know nothing but the waits of jobs that have started."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import comb

import numpy as np
import pytest

from planner.baselines import PastWaits, Shape, bmbp, recent_like, recent_median, zero
from planner.baselines.binomial import EXCEEDED_IN_A_ROW, FEWEST, upper_rank
from planner.quantiles import Quantiles

HOUR_S = 3600.0
DAY_S = 86_400.0
SMALL = Shape(procs=2, limit_s=HOUR_S, partition=0)
METHODS = [recent_median, recent_like, bmbp]


def past(
    waits_s: Sequence[float],
    *,
    procs: float | Sequence[float] = 2,
    limit_s: float | Sequence[float] = HOUR_S,
    partition: int | Sequence[int] = 0,
    age_days: float | Sequence[float] = 1.0,
) -> PastWaits:
    """``age_days``: of the starts; now is day 100."""
    n = len(waits_s)
    now_s = 100.0 * DAY_S

    def column(value: float | Sequence[float]) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, dtype=np.float64), n)

    return PastWaits(
        now_s,
        now_s - column(age_days) * DAY_S,
        np.array(waits_s, dtype=np.float64),
        column(procs),
        column(limit_s),
        column(partition).astype(np.int64),
    )


def joined(*parts: PastWaits) -> PastWaits:
    names = ("start_s", "wait_s", "procs", "limit_s", "partition")
    arrays = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    return PastWaits(parts[0].now_s, *arrays)


def test_zero_says_at_once() -> None:
    assert zero() == Quantiles(0.0, 0.0, 0.0)


@pytest.mark.parametrize("method", METHODS)
def test_no_history_gives_no_answer(method) -> None:
    assert method(past([]), SMALL) is None
    fewest = FEWEST if method is bmbp else 10
    assert method(past([5.0] * (fewest - 1)), SMALL) is None
    assert method(past([5.0] * fewest), SMALL) == Quantiles.point(5.0)


@pytest.mark.parametrize("method", METHODS)
def test_jobs_of_other_partitions_are_asked_only_for_want_of_own(method) -> None:
    other = past([9.0] * 50, partition=1)
    assert method(joined(past([5.0] * 50), other), SMALL) == Quantiles.point(5.0)
    widened = method(joined(past([5.0] * 3), other), SMALL)
    assert (widened.p50_s, widened.p90_s) == (9.0, 9.0)
    unseen = Shape(procs=2, limit_s=HOUR_S, partition=None)
    assert method(other, unseen) == Quantiles.point(9.0)


@pytest.mark.parametrize("method", METHODS)
def test_jobs_of_other_sizes_are_asked_only_for_want_of_like_ones(method) -> None:
    wide = past([9.0] * 50, procs=100)
    assert method(joined(past([5.0] * 50), wide), SMALL) == Quantiles.point(5.0)
    assert method(wide, SMALL) == Quantiles.point(9.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_job_that_has_waited_is_compared_with_longer_waits_and_told_what_is_left(method) -> None:
    history = past([5.0] * 200 + [300.0] * 50)
    assert method(history, SMALL, waited_s=100.0) == Quantiles.point(200.0)
    assert method(history, SMALL, waited_s=300.0) is None


@pytest.mark.parametrize("method", METHODS)
def test_more_history_than_is_looked_at_changes_nothing(method) -> None:
    recent = past(list(np.random.default_rng(1).exponential(100.0, 20_000)))
    assert method(joined(past([9e9] * 10_000), recent), SMALL) == method(recent, SMALL)


def test_the_median_is_of_the_last_week_and_for_want_of_it_of_the_last_month() -> None:
    older = past([1000.0] * 40, age_days=20.0)
    assert recent_median(joined(older, past([10.0] * 10)), SMALL) == Quantiles.point(10.0)
    assert recent_median(joined(older, past([10.0] * 9)), SMALL) == Quantiles.point(1000.0)
    assert recent_median(past([1000.0] * 40, age_days=31.0), SMALL) is None


def test_the_median_is_of_jobs_of_like_limits() -> None:
    short, long = past([10.0] * 20, limit_s=HOUR_S), past([500.0] * 20, limit_s=HOUR_S + 1)
    history = joined(short, long)
    assert recent_median(history, SMALL) == Quantiles.point(10.0)
    two_hours = Shape(procs=2, limit_s=2 * HOUR_S, partition=0)
    assert recent_median(history, two_hours) == Quantiles.point(500.0)


def test_size_classes_are_those_of_the_literature() -> None:
    history = joined(*(past([float(p)] * 20, procs=p) for p in (4, 16, 64, 65)))
    for procs, median_s in ((1, 4), (4, 4), (5, 16), (16, 16), (17, 64), (65, 65), (999, 65)):
        got = recent_median(history, Shape(procs, HOUR_S, 0))
        assert got == Quantiles.point(median_s)


def test_like_jobs_ask_for_half_to_twice_and_are_the_newest_hundred() -> None:
    history = joined(
        past([7e6] * 50, procs=8, age_days=3),  # older than the newest hundred
        past([float(s) for s in range(101)][1:], procs=[4] * 50 + [16] * 50, age_days=2),
        past([9e6] * 100, procs=[3, 17] * 50),  # too narrow, too wide
    )
    got = recent_like(history, Shape(8, HOUR_S, 0))
    assert got is not None
    assert (got.p10_s, got.p50_s, got.p90_s) == pytest.approx((10.9, 50.5, 90.1))


def test_binomial_ranks_by_exact_sums() -> None:
    for n in (29, 59, 100, 250):
        for quantile in (0.5, 0.9):
            rank = upper_rank(n, quantile)
            confidence = [
                sum(comb(n, x) * quantile**x * (1 - quantile) ** (n - x) for x in range(k))
                for k in (rank - 1, rank)
            ]
            assert confidence[0] < 0.95 <= confidence[1]


def test_too_small_a_sample_bounds_nothing() -> None:
    assert upper_rank(FEWEST, 0.9) == FEWEST
    with pytest.raises(ValueError, match="28 values"):
        upper_rank(FEWEST - 1, 0.9)


def test_binomial_bounds_hold_in_nineteen_of_twenty_worlds() -> None:
    true_s = -np.log([0.9, 0.5, 0.1]) * 100.0  # quantiles .1 .5 .9 of exponential waits
    held = np.zeros(3)
    for seed in range(400):
        got = bmbp(past(list(np.random.default_rng(seed).exponential(100.0, 200))), SMALL)
        assert got is not None
        assert got.p10_s is not None
        assert got.p50_s is not None
        assert got.p90_s is not None
        held += (got.p10_s <= true_s[0], got.p50_s >= true_s[1], got.p90_s >= true_s[2])
        assert got.p10_s <= got.p50_s <= got.p90_s
    assert (held >= 365).all()  # 380 expected, error 4.4


def test_history_before_a_change_is_dropped() -> None:
    calm = list(np.random.default_rng(5).uniform(0.0, 10.0, 200))
    changed = [bmbp(past(calm + [1000.0] * n), SMALL) for n in range(EXCEEDED_IN_A_ROW + 12)]
    bounds = [got.p90_s for got in changed if got is not None and got.p90_s is not None]
    assert len(bounds) == len(changed)
    assert bounds[EXCEEDED_IN_A_ROW - 1] < 1000.0
    assert bounds[EXCEEDED_IN_A_ROW] == 1000.0
    medians = [got.p50_s for got in changed if got is not None and got.p50_s is not None]
    assert all(earlier <= later for earlier, later in pairwise(medians))
    assert medians[-1] == 1000.0
