"""The time line of starts, as plotly gets it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from planner.charts import Bar, start_time_line

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATE = Bar("12", NOW + timedelta(hours=2), 3600.0, is_own=False, note="gpu")
SOON = Bar("13 (yours)", NOW + timedelta(hours=1), 600.0, is_own=True, note="gpu")
ENDLESS = Bar("14", NOW + timedelta(hours=3), None, is_own=False, note="gpu")
END = NOW + timedelta(hours=4)


def test_bars_begin_at_the_start_and_are_as_long_as_the_limit() -> None:
    own, others = start_time_line([LATE, SOON], start=NOW, until=END)["data"]
    assert own["base"] == ["2026-11-23T13:00:00+00:00"]
    assert own["x"] == [600_000.0]
    assert others["y"] == ["12"]


def test_the_earliest_start_is_on_top() -> None:
    axis = start_time_line([LATE, SOON], start=NOW, until=END)["layout"]["yaxis"]
    assert axis["categoryarray"] == ["13 (yours)", "12"]
    assert axis["autorange"] == "reversed"


def test_a_job_without_a_limit_reaches_the_edge_of_the_picture() -> None:
    _, others = start_time_line([ENDLESS], start=NOW, until=END)["data"]
    assert others["x"] == [3_600_000.0]


def test_the_figure_is_json_and_takes_its_colours_from_the_page() -> None:
    figure = start_time_line([LATE, SOON, ENDLESS], start=NOW, until=END)
    assert json.loads(json.dumps(figure)) == figure
    assert all(trace["marker"]["color"].startswith("var(--") for trace in figure["data"])
