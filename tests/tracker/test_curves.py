"""Thinning and smoothing: what a plot must not lose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tracker.curves import Curve, newest_attempts, thin


def curve_of(values) -> Curve:
    value = np.asarray(values, dtype=np.float64)
    step = np.arange(len(value), dtype=np.int64)
    return Curve(step, step.astype(np.float64), value)


values = arrays.arrays(np.float64, st.integers(0, 400))


@given(values, st.integers(4, 100))
def test_a_thinned_curve_is_small_in_order_and_made_of_real_rows(value, max_points):
    curve = curve_of(value)
    thinned = thin(curve, max_points)
    assert len(thinned) <= max_points
    assert (np.diff(thinned.step) > 0).all()
    np.testing.assert_array_equal(thinned.value, curve.value[thinned.step])


@given(values.filter(len), st.integers(8, 100))
def test_thinning_keeps_the_ends_and_the_extremes(value, max_points):
    thinned = thin(curve_of(value), max_points)
    assert thinned.step[0] == 0
    assert thinned.step[-1] == len(value) - 1
    finite = value[np.isfinite(value)]
    kept = thinned.value[np.isfinite(thinned.value)]
    if len(finite):
        assert (kept.min(), kept.max()) == (finite.min(), finite.max())


def test_one_spike_in_a_million_points_is_still_drawn():
    value = np.zeros(1_000_000)
    value[777_777] = 5.0
    thinned = thin(curve_of(value), 1_000)
    assert thinned.value.max() == 5.0
    assert len(thinned) <= 1_000


def test_a_single_not_a_number_is_still_marked():
    value = np.linspace(1, 0, 10_000)
    value[1234] = np.nan
    thinned = thin(curve_of(value), 100)
    assert thinned.step[np.isnan(thinned.value)].tolist() == [1234]


def test_a_curve_of_nothing_but_nan_leaves_room_and_fits():
    assert len(thin(curve_of(np.full(1_000, np.nan)), 50)) <= 50


def test_fewer_than_four_points_are_refused():
    with pytest.raises(ValueError, match="max_points is 3"):
        thin(curve_of([1, 2, 3, 4, 5]), 3)


def test_each_step_shows_its_newest_attempt():
    step = np.array([1, 2, 2, 3, 3, 3], dtype=np.int64)
    attempt = np.array([0, 0, 1, 1, 1, 2], dtype=np.int64)
    assert newest_attempts(step, attempt).tolist() == [True, False, True, False, False, True]
    assert newest_attempts(step[:0], attempt[:0]).tolist() == []


def test_two_points_of_the_same_step_and_attempt_both_show():
    step = np.array([1, 1, 1], dtype=np.int64)
    attempt = np.array([0, 1, 1], dtype=np.int64)
    assert newest_attempts(step, attempt).tolist() == [False, True, True]
