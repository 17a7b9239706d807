"""The time line of starts, as plotly gets it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from planner.charts import Bar, start_time_line

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
END = NOW + timedelta(hours=4)


def bar(label: str, hours: int, length_s: float | None, *, is_own: bool = False) -> Bar:
    return Bar(label, NOW + timedelta(hours=hours), length_s, None, None, is_own, note="gpu")


LATE = bar("12", 2, 3600.0)
SOON = bar("13 (yours)", 1, 600.0, is_own=True)
ENDLESS = bar("14", 3, None)
SPREAD = replace(LATE, early_at=NOW + timedelta(hours=1), late_at=NOW + timedelta(hours=3))


def test_bars_begin_at_the_start_and_are_as_long_as_the_limit() -> None:
    own, others = start_time_line([LATE, SOON], start=NOW, until=END)["data"]
    assert own["base"] == ["2026-11-23T13:00:00+00:00"]
    assert own["x"] == [600_000.0]
    assert others["y"] == ["12"]


def test_the_range_is_a_line_of_its_own_where_it_is_known() -> None:
    _, _, ranges = start_time_line([SPREAD, SOON], start=NOW, until=END)["data"]
    assert ranges["x"] == ["2026-11-23T13:00:00+00:00", "2026-11-23T15:00:00+00:00", None]
    assert ranges["y"] == ["12", "12", None]


def test_the_earliest_start_is_on_top() -> None:
    axis = start_time_line([LATE, SOON], start=NOW, until=END)["layout"]["yaxis"]
    assert axis["categoryarray"] == ["13 (yours)", "12"]
    assert axis["autorange"] == "reversed"


def test_a_job_without_a_limit_reaches_the_edge_of_the_picture() -> None:
    _, others = start_time_line([ENDLESS], start=NOW, until=END)["data"]
    assert others["x"] == [3_600_000.0]


def test_the_figure_is_json_and_takes_its_colours_from_the_page() -> None:
    figure = start_time_line([SPREAD, SOON, ENDLESS], start=NOW, until=END)
    assert json.loads(json.dumps(figure)) == figure
    assert all(trace["marker"]["color"].startswith("var(--") for trace in figure["data"])
