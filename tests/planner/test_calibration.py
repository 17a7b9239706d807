"""What past forecasts teach: bounds that were too short grow, and no more than is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from planner.calibration import Calibration, Told
from planner.calibration.survival import weighted_quantile
from planner.quantiles import Quantiles

MINUTE_S = 60.0
LATER_S = 1e12


def told(
    waited_s: npt.ArrayLike,
    said: tuple[float, float, float],
    *,
    group: int = 0,
    first_s: float = 0.0,
    is_censored: npt.ArrayLike | None = None,
) -> Told:
    """One forecast a minute, all saying the same."""
    waited = np.asarray(waited_s, dtype=np.float64)
    n = waited.size
    return Told(
        issued_s=first_s + np.arange(n) * MINUTE_S,
        p10_s=np.full(n, said[0]),
        p50_s=np.full(n, said[1]),
        p90_s=np.full(n, said[2]),
        waited_s=waited,
        is_censored=np.zeros(n, dtype=np.bool_) if is_censored is None else np.asarray(is_censored),
        group=np.full(n, group),
    )


def together(*parts: Told) -> Told:
    columns = ("issued_s", "p10_s", "p50_s", "p90_s", "waited_s", "is_censored", "group")
    return Told(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def p90_s(calibration: Calibration, said_s: float, group: int = 0) -> float:
    told_s = calibration.apply(Quantiles.point(said_s), group).p90_s
    assert told_s is not None
    return told_s


def exponential(n: int, mean_s: float, seed: int = 1) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).exponential(mean_s, n)


def test_quantiles_that_were_too_short_are_lengthened_to_what_they_promised() -> None:
    waited_s = exponential(2000, 3600.0)
    calibration = Calibration.fit(told(waited_s, (10.0, 100.0, 1000.0)), LATER_S)
    said = calibration.apply(Quantiles(10.0, 100.0, 1000.0), 0)
    fresh_s = exponential(5000, 3600.0, seed=2)
    for level, bound_s in ((0.1, said.p10_s), (0.5, said.p50_s), (0.9, said.p90_s)):
        assert bound_s is not None
        assert (fresh_s <= bound_s).mean() == pytest.approx(level, abs=0.03)


def test_forecasts_that_kept_their_promise_are_left_as_they_are() -> None:
    waited_s = exponential(4000, 3600.0)
    true_s = -3600.0 * np.log1p(-np.array([0.1, 0.5, 0.9]))
    calibration = Calibration.fit(told(waited_s, tuple(true_s)), LATER_S)
    said = calibration.apply(Quantiles(*map(float, true_s)), 0)
    assert [said.p10_s, said.p50_s, said.p90_s] == pytest.approx(true_s.tolist(), rel=0.15)


def test_what_was_right_where_it_said_long_is_not_lengthened_for_what_was_wrong_elsewhere() -> None:
    # Half say "at once" and wait an hour or so; half say ten hours and are right.
    n = 1500
    hasty = told(exponential(n, 3600.0), (0.0, 0.0, 0.0))
    sound = told(36_000.0 * np.random.default_rng(2).random(n), (3600.0, 18_000.0, 32_400.0))
    calibration = Calibration.fit(together(hasty, sound), LATER_S)
    assert p90_s(calibration, 0.0) == pytest.approx(3600.0 * np.log(10.0), rel=0.25)
    assert calibration.apply(Quantiles(3600.0, 18_000.0, 32_400.0), 0).p90_s == pytest.approx(
        32_400.0, rel=0.15
    )


def test_a_long_bound_is_not_lengthened_beyond_the_longest_wait() -> None:
    said_s = np.where(np.arange(1000) % 100 == 0, 40_000.0, 10.0)
    record = told(np.full(1000, 50_000.0), (0.0, 0.0, 0.0))
    record = replace(record, p10_s=said_s, p50_s=said_s, p90_s=said_s)
    calibration = Calibration.fit(record, LATER_S)
    assert 30_000.0 < p90_s(calibration, 10.0) <= 50_000.0
    assert 40_000.0 < p90_s(calibration, 40_000.0) <= 50_000.0


def test_of_two_bounds_the_larger_stays_the_larger() -> None:
    rng = np.random.default_rng(6)
    said_s = rng.exponential(1000.0, 2000)
    record = told(rng.exponential(1000.0, 2000), (0.0, 0.0, 0.0))
    record = replace(record, p10_s=said_s / 9.0, p50_s=said_s, p90_s=said_s)
    calibration = Calibration.fit(record, LATER_S)
    told_s = [p90_s(calibration, each) for each in np.sort(said_s)[::50]]
    assert told_s == sorted(told_s)


def test_the_newest_outcomes_count_most() -> None:
    old = told(np.full(1500, 100.0), (100.0, 100.0, 100.0))
    new = told(np.full(1500, 400.0), (100.0, 100.0, 100.0), first_s=1500 * MINUTE_S)
    said = Calibration.fit(together(old, new), LATER_S).apply(Quantiles.point(100.0), 0)
    assert said.p50_s == pytest.approx(400.0, rel=0.05)


def test_what_waits_still_counts_for_as_long_as_it_has_waited() -> None:
    waited_s, said = np.tile([50.0, 5000.0], 1500), (10.0, 100.0, 1000.0)
    waiting = told(np.minimum(waited_s, 2000.0), said, is_censored=waited_s > 2000.0)
    dropped = told(waited_s[waited_s < 2000.0], said)
    for record, least_s in ((waiting, 2000.0), (dropped, 50.0)):
        bound_s = Calibration.fit(record, LATER_S).apply(Quantiles(*said), 0).p90_s
        assert bound_s == pytest.approx(least_s, rel=0.1)


def test_what_came_later_is_not_looked_at() -> None:
    waited_s = exponential(300, 3600.0)
    now_s = 200 * MINUTE_S
    one = told(waited_s, (10.0, 100.0, 1000.0))
    has_come = one.issued_s + one.waited_s <= now_s
    other = told(np.where(has_come, waited_s, now_s + waited_s * 7.0), (10.0, 100.0, 1000.0))
    assert Calibration.fit(one, now_s) == Calibration.fit(other, now_s)


def test_a_small_group_leans_on_all_and_an_unknown_one_has_nothing_else() -> None:
    many = told(exponential(3000, 100.0), (10.0, 100.0, 200.0), group=1)
    few = told(np.full(30, 9000.0), (10.0, 100.0, 200.0), group=2, first_s=3000 * MINUTE_S)
    calibration = Calibration.fit(together(many, few), LATER_S)
    assert p90_s(calibration, 200.0, 1) < p90_s(calibration, 200.0, 2) < 9000.0
    assert calibration.of(3) == calibration.pooled


def test_with_few_outcomes_nothing_is_changed() -> None:
    calibration = Calibration.fit(told(np.full(10, 9000.0), (1.0, 2.0, 3.0)), LATER_S)
    assert calibration.apply(Quantiles(1.0, 2.0, 3.0), 0) == Quantiles(
        pytest.approx(1.0), pytest.approx(2.0), pytest.approx(3.0)
    )
    assert calibration.pooled.n == 10


def test_many_outcomes_of_a_few_instants_change_little() -> None:
    one = told(np.full(300, 400.0), (100.0, 100.0, 100.0))
    at_once = replace(one, issued_s=np.floor(one.issued_s / (30 * MINUTE_S)))
    many, few = (p90_s(Calibration.fit(record, LATER_S), 100.0) for record in (one, at_once))
    assert few < 160.0
    assert 300.0 < many < 400.0


def test_what_is_not_said_stays_unsaid() -> None:
    calibration = Calibration.fit(told(exponential(100, 60.0), (1.0, 2.0, 3.0)), LATER_S)
    assert calibration.apply(Quantiles(None, None, None), 0) == Quantiles(None, None, None)
    assert calibration.apply(Quantiles(None, 5.0, None), 0).p90_s is None


def test_corrected_quantiles_rise_and_are_never_negative() -> None:
    rng = np.random.default_rng(3)
    for seed in range(20):
        record = told(exponential(60, 50.0, seed), tuple(np.sort(rng.exponential(100.0, 3))))
        said = Calibration.fit(record, LATER_S).apply(Quantiles(0.0, 0.0, 5.0), 0)
        assert said.p10_s is not None
        assert said.p50_s is not None
        assert said.p90_s is not None
        assert 0.0 <= said.p10_s <= said.p50_s <= said.p90_s


def test_at_once_stays_at_once_where_that_was_right() -> None:
    waited_s = np.where(np.arange(1000) % 50 == 0, 600.0, 0.0)
    calibration = Calibration.fit(told(waited_s, (0.0, 0.0, 0.0)), LATER_S)
    assert calibration.apply(Quantiles.point(0.0), 0) == Quantiles.point(0.0)


def test_the_weight_of_a_censored_value_goes_to_larger_ones() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    censored = np.array([False, True, False, False])
    weights = np.ones(4)
    # The second quarter is shared by the two above it: 1/4, then 3/8 each.
    assert weighted_quantile(values, censored, weights, 0.25) == 1.0
    assert weighted_quantile(values, censored, weights, 0.6) == 3.0
    assert weighted_quantile(values, censored, weights, 0.65) == 4.0


def test_where_nothing_is_seen_there_is_no_quantile() -> None:
    ones = np.ones(2)
    assert weighted_quantile(ones, np.array([True, True]), ones, 0.5) is None


def test_a_record_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"waited_s is -1\.0 in row 0"):
        told([-1.0], (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="one length"):
        Told(*(np.zeros(n) for n in (1, 1, 1, 1, 2)), np.zeros(1, dtype=bool), np.zeros(1, int))
