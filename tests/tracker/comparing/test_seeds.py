"""Mean and spread over seeds, on a common grid."""

import numpy as np
import pytest

from tracker.comparing.seeds import Line, spread


def line(x, value):
    return Line(np.asarray(x, dtype=np.float64), np.asarray(value, dtype=np.float64))


def test_runs_with_the_same_steps_are_averaged_at_each():
    together = spread([line([0, 1, 2], [1, 2, 3]), line([0, 1, 2], [3, 2, 5])], 100)
    assert together.x.tolist() == [0, 1, 2]
    assert together.mean.tolist() == [2, 2, 4]
    assert together.low.tolist() == [1, 2, 3]
    assert together.high.tolist() == [3, 2, 5]
    assert together.count.tolist() == [2, 2, 2]


def test_the_band_of_deviation_is_that_of_a_sample():
    together = spread([line([0], [1.0]), line([0], [2.0]), line([0], [3.0])], 100, "std")
    assert (together.low[0], together.mean[0], together.high[0]) == (1.0, 2.0, 3.0)


def test_a_run_is_interpolated_between_its_points_and_never_beyond_them():
    together = spread([line([0, 4], [0, 4]), line([1, 2, 8], [10, 10, 10])], 100)
    assert together.x.tolist() == [0, 1, 2, 4, 8]
    assert together.count.tolist() == [1, 2, 2, 2, 1]
    assert together.mean.tolist() == [0, 5.5, 6, 7, 10]


def test_places_that_no_run_reaches_are_left_out():
    together = spread([line([0, 1], [1, 1]), line(np.arange(900, 1000), np.ones(100))], 10)
    assert together.count.tolist() == [1, 1]
    assert (together.mean == 1).all()


def test_long_curves_are_averaged_over_equal_stretches_and_not_sampled():
    x = np.arange(100_000)
    noisy = [line(x, np.where(x % 2, 1.0, -1.0)) for _ in range(3)]
    together = spread(noisy, 500)
    assert len(together.x) == 500
    assert np.abs(together.mean).max() < 0.02


@pytest.mark.parametrize("band", ["range", "std"])
def test_of_a_single_run_the_band_has_no_width(band):
    together = spread([line([0, 1], [3, 4])], 100, band)
    assert together.low.tolist() == together.high.tolist() == together.mean.tolist() == [3, 4]


def test_what_is_not_finite_or_said_twice_of_a_step_is_one_value_or_none():
    together = spread([line([0, 1, 1, 2], [np.nan, 2, 4, np.inf])], 100)
    assert (together.x.tolist(), together.mean.tolist()) == ([1], [3])


def test_of_nothing_comes_nothing():
    assert len(spread([], 100).x) == 0
    assert len(spread([line([], []), line([1], [np.nan])], 100).x) == 0
