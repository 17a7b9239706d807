"""Smoothing: the formula row by row, and rows that are not finite."""

import numpy as np
import pytest

from tracker.comparing.smoothing import smooth


def row_by_row(values, weight):
    total = mass = 0.0
    for value in values:
        if not np.isfinite(value):
            yield np.nan
            continue
        total = weight * total + (1 - weight) * value
        mass = weight * mass + (1 - weight)
        yield total / mass


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 500])
@pytest.mark.parametrize("weight", [0, 1e-9, 0.3, 0.9, 0.999])
def test_an_average_is_what_the_formula_gives_row_by_row(rows, weight):
    value = np.random.default_rng(rows).normal(3, 1000, rows)
    value[5::17], value[11::40] = np.nan, np.inf
    expected = np.array(list(row_by_row(value, weight)), dtype=np.float64)
    np.testing.assert_allclose(smooth(value, weight), expected, rtol=1e-9, atol=1e-9)


def test_the_first_value_is_not_drawn_towards_zero():
    assert smooth(np.array([5.0, 5.0, 5.0]), 0.9).tolist() == pytest.approx([5, 5, 5])


def test_no_weight_is_no_smoothing():
    value = np.array([3.0, -1.0, 2.0])
    assert smooth(value, 0).tolist() == value.tolist()


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")])
def test_weights_out_of_range_are_refused(weight):
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        smooth(np.ones(3), weight)
