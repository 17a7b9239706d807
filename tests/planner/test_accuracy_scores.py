"""The figures, against hand-computed examples and against what must hold for any forecast."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from planner.accuracy import (
    Scored,
    absolute_error_s,
    answered_by_all,
    pinball_log,
    pinball_s,
    score,
    skill,
    strata,
)
from planner.quantiles import Quantiles
from tests.planner.scored_rows import calibrated, points, rows


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def test_figures_of_four_rows_by_hand() -> None:
    # Off by -30 s, +300 s, -2,000 s; the fourth was not answered.
    said = [Quantiles(0.0, 30.0, 120.0), Quantiles(600.0, 900.0, 1200.0)]
    said += [Quantiles(1000.0, 2000.0, 3000.0), None]
    got = score(rows(said, [60.0, 600.0, 4000.0, 50.0]), rng())
    assert (got.n, got.n_compared, got.n_censored, got.answer_rate) == (4, 3, 0, 0.75)
    assert got.median_ae_s == 300.0
    assert got.mae_s == pytest.approx(2330.0 / 3)
    assert got.bias_s == -30.0
    # Shortfall times level, or excess times (1 - level), of the three quantiles.
    first = (60 * 0.1 + 30 * 0.5 + 60 * 0.1) / 3
    second = (0 * 0.1 + 300 * 0.5 + 600 * 0.1) / 3
    third = (3000 * 0.1 + 2000 * 0.5 + 1000 * 0.9) / 3
    assert got.pinball == pytest.approx((first + second + third) / 3)
    # 360/330, 1200/900 and 4300/2300 are all at most 2.
    assert got.within_factor_2 == 1.0
    assert got.within_1_min == pytest.approx(1 / 3)
    assert got.within_10_min == pytest.approx(2 / 3)
    assert got.within_60_min == 1.0
    assert got.coverage_p50 == pytest.approx(1 / 3)
    assert got.coverage_p90 == pytest.approx(2 / 3)
    assert got.width_p90_s == pytest.approx(4320 / 3)
    assert got.width_80_s == pytest.approx((120 + 600 + 2000) / 3)


def test_a_factor_of_two_is_judged_with_five_minutes_added() -> None:
    # 300 s against 0 s is exactly a factor of two; 301 s is beyond.
    got = score(points([300.0, 301.0], [0.0, 0.0]), rng())
    assert got.within_factor_2 == 0.5


def test_a_perfect_forecaster_loses_nothing() -> None:
    actual_s = [0.0, 40.0, 90_000.0]
    got = score(points(actual_s, actual_s), rng())
    assert (got.pinball, got.pinball_log, got.mae_s, got.bias_s, got.width_80_s) == (0.0,) * 5
    assert (got.within_factor_2, got.within_1_min, got.coverage_p90) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("loss", [pinball_s, pinball_log])
@pytest.mark.parametrize("name", ["p10_s", "p50_s", "p90_s"])
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_no_other_quantile_beats_the_true_one(loss, name: str, factor: float) -> None:
    truth = calibrated(20_000, rng())
    wrong = replace(truth, **{name: getattr(truth, name) * factor})
    assert loss(truth).mean() < loss(wrong).mean()


def test_pinball_of_logs_is_blind_to_the_scale_of_long_waits() -> None:
    hours = points([10.0 * 3600], [20.0 * 3600])
    days = points([10.0 * 86_400], [20.0 * 86_400])
    assert pinball_log(hours)[0] == pytest.approx(pinball_log(days)[0], rel=1e-4)
    assert pinball_s(days)[0] == pytest.approx(24 * pinball_s(hours)[0])


def test_the_order_of_rows_changes_nothing() -> None:
    scored = replace(calibrated(500, rng()), is_censored=rng().random(500) < 0.2)
    shuffled = scored.take(rng().permutation(500))
    assert asdict(score(shuffled, rng())) == pytest.approx(asdict(score(scored, rng())))


def test_no_figure_is_told_where_nothing_started() -> None:
    got = score(rows([Quantiles(1.0, 2.0, 3.0)] * 2, [5.0, 1.0], censored=[0, 1]), rng())
    told = {name for name, value in asdict(got).items() if value is not None}
    assert told == {
        *("n", "n_censored", "n_compared", "answer_rate"),
        *("width_p90_s", "width_80_s"),  # these are of what was said
    }


def test_no_rows_have_no_figures() -> None:
    got = asdict(score(rows([], []), rng()))
    assert {name for name, value in got.items() if value == 0} == {"n", "n_censored", "n_compared"}
    assert [value for value in got.values() if value is not None] == [0, 0, 0]


def test_a_middle_estimate_alone_has_errors_but_no_bound() -> None:
    got = score(rows([Quantiles(None, 100.0, None)], [160.0]), rng())
    assert (got.mae_s, got.within_1_min, got.answer_rate) == (60.0, 1.0, 1.0)
    assert (got.pinball, got.coverage_p90, got.coverage_p90_randomised) == (None, None, None)
    assert (got.width_p90_s, got.width_80_s) == (None, None)


def test_skill_is_the_share_of_their_loss_that_we_save() -> None:
    actual_s = [100.0, 100.0, 100.0]
    ours = rows([Quantiles.point(90.0), Quantiles.point(80.0), None], actual_s)
    theirs = points([60.0, 40.0, 0.0], actual_s)
    assert skill(ours, theirs, absolute_error_s) == pytest.approx(1.0 - 30.0 / 100.0)
    assert skill(theirs, ours, absolute_error_s) == pytest.approx(1.0 - 100.0 / 30.0)


def test_skill_against_the_faultless_is_not_told() -> None:
    faultless = points([5.0], [5.0])
    assert skill(points([6.0], [5.0]), faultless, pinball_s) is None


def test_methods_are_compared_on_the_same_rows_only() -> None:
    with pytest.raises(ValueError, match="same rows"):
        skill(points([1.0], [5.0]), points([1.0], [6.0]), pinball_s)
    with pytest.raises(ValueError, match="same rows"):
        answered_by_all([points([1.0], [5.0]), points([1.0, 2.0], [5.0, 6.0])])


def test_rows_that_all_methods_answered() -> None:
    said = Quantiles.point(1.0)
    methods = [rows([said, None, said], [1.0] * 3), rows([said, said, None], [1.0] * 3)]
    assert answered_by_all(methods).tolist() == [True, False, False]


def test_strata_part_by_what_was_expected_and_by_what_came() -> None:
    scored = rows([None] * 5, [60.0, 61.0, 0.0, 30.0, 90.0], censored=[3, 4])
    got = {
        name: np.flatnonzero(mask).tolist()
        for name, mask in strata(scored, [True, False, np.nan, True, False]).items()
    }
    assert got == {
        "all": [0, 1, 2, 3, 4],
        "expected_queue": [0, 3],
        "expected_start": [1, 4],
        "queued": [1, 4],
        "immediate": [0, 2],  # not row 3: it may have waited long
    }


@pytest.mark.parametrize("actual_s", [-1.0, float("nan")])
def test_an_impossible_wait_is_refused_by_row_and_value(actual_s: float) -> None:
    with pytest.raises(ValueError, match=f"actual_s is {actual_s} in row 1"):
        points([1.0, 1.0], [1.0, actual_s])


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Scored.of([Quantiles.point(1.0)], [1.0, 2.0], [False, False], [0, 0])
