"""Points are read by orjson, or by json where orjson refuses: to the same effect."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.api.bodies import points_of
from tracker.api.parsing import parse_points
from tracker.api.problems import Problem

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ODD = st.none() | st.booleans() | st.text(max_size=3) | st.just([])
POINTS = st.fixed_dictionaries(
    {"name": st.just("loss") | ODD, "value": NUMBERS | st.just("NaN") | ODD},
    optional={
        "step": st.integers(-(2**63) - 1, 2**63) | NUMBERS | ODD,
        "time": st.floats(-1e11, 1e12) | st.just("2026-11-23T12:30:00Z") | NUMBERS | ODD,
        "attempt": st.integers(-1, 1_000_000) | ODD,
    },
)


def read(text: str) -> list[tuple] | int:
    """The points, their values to the bit, or the status of the refusal."""
    try:
        points = points_of(parse_points(text.encode()))
    except Problem as problem:
        return problem.status_code
    return [point._replace(value=point.value.hex()) for point in points]


def read_by_json(text: str) -> list[tuple] | int:
    """With a bare token in a field that nobody reads, which orjson refuses."""
    return read(text.replace("{", '{"unknown": NaN, ', 1))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(points=st.lists(POINTS, min_size=1, max_size=4))
def test_points_are_read_alike(points):
    text = json.dumps(points)
    assert read(text) == read_by_json(text)


@pytest.mark.parametrize("number", ["-0", "-0.0", "1e-400", "2.2250738585072011e-308", "9" * 300])
def test_numbers_are_read_alike(number):
    text = f'{{"name": "loss", "value": {number}}}'
    assert read(text) == read_by_json(text) != 400


@pytest.mark.parametrize(
    "text",
    [
        *('{"name": "a", "value": 1e400}', '{"name": "a", "value": 01}'),
        *('{"name": "a", "value": 1,}', '{"name": "a", "value": 1} x', "{"),
        *('{"name": "\\ud800", "value": 1}', '{"name": "\\u0000", "value": 1}'),
        '{"name": "a", "value": 1, "step": 18446744073709551616}',
    ],
)
def test_what_is_no_point_is_refused_either_way(text):
    assert (read(text), read_by_json(text)) == (400, 400)


def test_a_byte_order_mark_is_left_out():
    assert read('\ufeff{"name": "loss", "value": 1}') == read('{"name": "loss", "value": 1}')
