"""The predicted schedule, as the canvas gets it."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from planner.charts import Block, Stay, schedule
from planner.charts.lanes import pieces

NODES = ["n1", "n2", "n3", "n4"]


def stay(start_s: float, end_s: float, *nodes: int, **fields) -> Stay:
    told = {"name": "7", "partition": "gpu", "is_own": False} | fields
    return Stay(start_s=start_s, end_s=end_s, nodes=nodes, **told)


def drawn(*stays: Stay, blocks=(), **fields) -> dict:
    return schedule(stays, blocks, nodes=NODES, **({"until_s": 1000.0} | fields))


def test_neighbouring_nodes_of_a_job_are_one_piece() -> None:
    (bar,) = drawn(stay(0, 10, 0, 1, 3))["bars"]
    assert bar["rows"] == [(0, 2, 0.0, 1.0), (3, 1, 0.0, 1.0)]


def test_jobs_that_share_a_node_share_its_row_while_they_do() -> None:
    first, second, later = drawn(stay(0, 50, 0), stay(10, 60, 0), stay(60, 90, 0))["bars"]
    assert first["rows"] == [(0, 1, 0.0, 0.5)] and second["rows"] == [(0, 1, 0.5, 0.5)]
    assert later["rows"] == [(0, 1, 0.0, 1.0)]


def test_a_bar_says_what_it_is_and_what_this_reader_may_not_know_is_missing() -> None:
    bars = drawn(
        stay(-20, 10, 0, name=None),
        stay(20, 30, 1, is_own=True),
        stay(40, 50, 2, name=None, is_expected=True),
    )["bars"]
    assert [bar["kind"] for bar in bars] == ["running", "waiting", "expected"]
    assert [bar["is_own"] for bar in bars] == [False, True, False]
    assert bars[0]["start_s"] == 0 and bars[0]["name"] is None


def test_of_too_many_jobs_ones_own_and_the_earliest_are_kept() -> None:
    told = drawn(stay(1, 9, 0), stay(2, 9, 1), stay(500, 600, 2, is_own=True), most=2)
    assert [bar["start_s"] for bar in told["bars"]] == [1, 500]
    assert told["left_out"] == 1


def test_what_lies_outside_of_the_picture_is_no_bar() -> None:
    assert drawn(stay(-9, 0, 0), stay(1000, 1100, 0), stay(0, 5))["bars"] == []


def test_an_end_that_is_not_known_is_the_end_of_the_picture() -> None:
    told = drawn(stay(0, inf, 0), blocks=[Block("maint", 100, inf, [2, 1])])
    assert told["bars"][0]["end_s"] == 1000
    assert told["blocks"] == [
        {"name": "maint", "rows": [(1, 2, 0.0, 1.0)], "start_s": 100, "end_s": 1000}
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(1, 20), st.sets(st.integers(0, 3), min_size=1)),
        max_size=30,
    )
)
def test_no_two_bars_overlap(jobs) -> None:
    bars = sorted(
        (stay(start, start + length, *sorted(nodes)) for start, length, nodes in jobs),
        key=lambda bar: bar.start_s,
    )
    placed = [
        (bar.start_s, bar.end_s, first + row + top, first + row + top + high)
        for bar, of_bar in zip(bars, pieces(bars), strict=True)
        for first, rows, top, high in of_bar
        for row in range(rows)
    ]
    for number, (start, end, low, high) in enumerate(placed):
        for other_start, other_end, other_low, other_high in placed[:number]:
            apart_in_time = end <= other_start or other_end <= start
            assert apart_in_time or high <= other_low + 1e-3 or other_high <= low + 1e-3
