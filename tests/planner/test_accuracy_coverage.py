"""Coverage: plain, with jobs that gave up waiting, and with ties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.accuracy import predicted_against_actual, reliability, score
from planner.accuracy.coverage import Coverage
from planner.accuracy.pictures import wilson_interval
from planner.quantiles import Quantiles
from tests.planner.scored_rows import calibrated, points, rows


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_calibrated_quantiles_cover_what_they_say() -> None:
    n = 20_000
    for point in reliability(calibrated(n, rng())):
        error = np.sqrt(point.level * (1.0 - point.level) / n)
        assert abs(point.share - point.level) < 4 * error
        assert point.n == n


def test_kaplan_and_meier_by_hand() -> None:
    # On the scale of the bound of 99 s: starts at 0.2 and 0.6, one gave up at 0.4, one started
    # late. The one that gave up hands its quarter on to the two seen longer: 1/4 + 3/8.
    scored = rows(
        [Quantiles.point(99.0)] * 4,
        [19.0, 39.0, 59.0, 150.0],
        censored=[1],
    )
    assert Coverage.of(scored, scored.p90_s).share() == pytest.approx(1 / 4 + 3 / 8)


def test_giving_up_after_the_bound_is_a_miss_and_before_it_tells_nothing() -> None:
    said = [Quantiles.point(100.0)] * 3
    after = rows(said, [50.0, 60.0, 100.0], censored=[2])
    assert Coverage.of(after, after.p90_s).share() == pytest.approx(2 / 3)
    before = rows(said, [50.0, 60.0, 10.0], censored=[2])
    assert Coverage.of(before, before.p90_s).share() == pytest.approx(1.0)


def test_jobs_that_give_up_at_random_do_not_shift_coverage() -> None:
    n = 20_000
    scored = calibrated(n, rng())
    gives_up_s = rng().exponential(2.0 * scored.p50_s)  # in proportion to the wait to be expected
    leaves = gives_up_s < scored.actual_s
    seen = replace(scored, actual_s=np.minimum(scored.actual_s, gives_up_s), is_censored=leaves)
    assert leaves.mean() > 0.3
    share = Coverage.of(seen, seen.p90_s).share()
    dropped = (seen.actual_s <= seen.p90_s)[~leaves].mean()
    assert share == pytest.approx(0.9, abs=0.01)
    assert dropped > 0.95  # what leaving them out would have told


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), min_size=1, max_size=40
    )
)
def test_censored_coverage_lies_between_all_missed_and_all_held(
    table: list[tuple[int, int, bool]],
) -> None:
    said = [Quantiles.point(float(bound)) for bound, _, _ in table]
    scored = rows(
        said,
        [float(actual) for _, actual, _ in table],
        [row for row, (_, _, censored) in enumerate(table) if censored],
    )
    share = Coverage.of(scored, scored.p90_s).share()
    started = ~scored.is_censored
    held = scored.actual_s <= scored.p90_s
    if not started.any():
        assert share is None
        return
    assert share is not None
    could_hold = held | (scored.is_censored & (scored.actual_s < scored.p90_s))
    could_hold &= started | (scored.actual_s < scored.p90_s)
    assert (held & started).mean() - 1e-9 <= share <= could_hold.mean() + 1e-9
    if started.all():
        assert share == held.mean()


def test_a_tie_of_a_point_forecast_is_within_in_nine_of_ten_draws() -> None:
    n = 10_000
    got = score(points([0.0] * n, [0.0] * n), rng())
    assert got.coverage_p90 == 1.0
    assert got.coverage_p90_randomised == pytest.approx(0.9, abs=0.012)


def test_a_tie_with_the_bound_alone_is_within_in_four_of_five_draws() -> None:
    # u is uniform between 0.5, that of the median below it, and 1; within where u <= 0.9.
    n = 10_000
    got = score(rows([Quantiles(0.0, 1.0, 5.0)] * n, [5.0] * n), rng())
    assert got.coverage_p90_randomised == pytest.approx(0.8, abs=0.016)


def test_a_forecaster_that_knows_its_point_mass_covers_ninety_percent_when_ties_are_drawn() -> None:
    n = 20_000
    world = np.random.default_rng(8)  # not that of the draws
    starts_at_once = world.random(n) < 0.5
    actual_s = np.where(starts_at_once, 0.0, 1.0 + world.exponential(100.0, n))
    said = [
        Quantiles.point(0.0) if at_once else Quantiles(11.5, 70.3, 231.3)
        for at_once in starts_at_once
    ]
    got = score(rows(said, actual_s), rng())
    assert got.coverage_p90 == pytest.approx(0.95, abs=0.01)
    assert got.coverage_p90_randomised == pytest.approx(0.9, abs=0.01)


def test_without_ties_the_draw_decides_nothing() -> None:
    got = score(calibrated(1000, rng()), rng())
    assert got.coverage_p90_randomised == got.coverage_p90


def test_a_level_that_no_row_says_is_not_in_the_diagram() -> None:
    (point,) = reliability(rows([Quantiles(None, 10.0, None), None], [5.0, 5.0]))
    assert (point.level, point.share, point.n) == (0.5, 1.0, 1)


def test_wilson_interval_of_a_printed_example() -> None:
    # 15 of 20: the roots of (0.75 - p)^2 = z^2 p (1 - p) / 20 with z = 1.6449.
    low, high = wilson_interval(0.75, 20)
    for p in (low, high):
        assert (0.75 - p) ** 2 == pytest.approx(1.6449**2 * p * (1.0 - p) / 20)
    assert low < 0.75 < high
    assert wilson_interval(1.0, 5).high == 1.0
    assert wilson_interval(0.0, 5).low == 0.0


def test_the_scatter_keeps_its_ends_and_is_the_same_in_any_order() -> None:
    scored = calibrated(5000, rng())
    got = predicted_against_actual(scored, at_most=100)
    assert (len(got.actual_s), got.n) == (100, 5000)
    assert (got.actual_s[0], got.actual_s[-1]) == (scored.actual_s.min(), scored.actual_s.max())
    again = predicted_against_actual(scored.take(rng().permutation(5000)), at_most=100)
    assert np.array_equal(got.predicted_s, again.predicted_s)


def test_the_scatter_shows_only_jobs_that_were_answered_and_started() -> None:
    said = [Quantiles.point(1.0), None, Quantiles.point(3.0)]
    got = predicted_against_actual(rows(said, [2.0, 5.0, 9.0], censored=[2]))
    assert (got.predicted_s.tolist(), got.actual_s.tolist(), got.n) == ([1.0], [2.0], 1)
