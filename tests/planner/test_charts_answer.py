"""Fan, walltime curve and heat strip, as plotly gets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from planner.charts import Hour, LimitPoint, Submission, start_fan, wait_by_hour, walltime_curve
from planner.charts.scale import linear_ticks, round_within

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
END = NOW + timedelta(hours=12)


def submission(hours: float, wait_h: float, *, is_past: bool = False) -> Submission:
    at = NOW + timedelta(hours=hours)
    early, middle, late = (at + timedelta(hours=wait_h * part) for part in (0.5, 1, 2))
    return Submission(at, early, middle, late, is_open=False, is_past=is_past)


def test_the_fan_runs_from_early_to_late_starts() -> None:
    early, late, at_once, middle = start_fan([submission(0, 2), submission(1, 2)], until=END)[
        "data"
    ]
    assert early["y"][0] == "2026-11-28T13:00:00+00:00"
    assert late["y"][0] == "2026-11-28T16:00:00+00:00" and late["fill"] == "tonexty"
    assert middle["y"][1] == "2026-11-28T15:00:00+00:00"
    assert at_once["x"] == at_once["y"]


def test_a_start_beyond_the_horizon_is_an_arrow_on_the_upper_edge() -> None:
    lost = replace(submission(1, 2), p50_at=None, p90_at=None, is_open=True)
    _, late, _, middle = start_fan([submission(0, 2), lost], until=END)["data"]
    assert late["y"][1] == middle["y"][1] == END.isoformat()
    assert middle["marker"]["symbol"] == ["circle", "triangle-up-open"]


def test_what_past_waits_tell_has_a_mark_of_its_own() -> None:
    points = [submission(0, 2), submission(1, 2, is_past=True)]
    *_, middle, past = start_fan(points, until=END)["data"]
    assert len(middle["x"]) == len(past["x"]) == 1
    assert middle["marker"]["symbol"] != past["marker"]["symbol"]


def limit(hours: float, wait_s: float, cliff: str | None = None) -> LimitPoint:
    return LimitPoint(hours * 3600, wait_s / 2, wait_s, 2 * wait_s, False, 0.25, cliff)


def test_the_risk_of_a_limit_is_drawn_on_an_axis_of_its_own() -> None:
    figure = walltime_curve([limit(1, 600), limit(2, 1200)], asked_s=3600)
    killed = next(trace for trace in figure["data"] if trace.get("yaxis") == "y2")
    assert killed["y"] == [25.0, 25.0]
    assert figure["layout"]["yaxis2"]["range"] == [0, 100]


def test_without_history_no_risk_is_drawn() -> None:
    points = [replace(limit(hours, 600), p_killed=None) for hours in (1, 2)]
    figure = walltime_curve(points, asked_s=None)
    assert "yaxis2" not in figure["layout"] and figure["layout"]["annotations"] == []


def test_a_cliff_is_marked_and_names_its_cause() -> None:
    figure = walltime_curve([limit(1, 600), limit(2, 9000, "maintenance")], asked_s=None)
    cliff = next(trace for trace in figure["data"] if trace["name"] == "cliff")
    assert (cliff["x"], cliff["customdata"]) == ([7200], ["maintenance"])
    assert len(figure["layout"]["shapes"]) == 1


def test_a_limit_that_starts_beyond_the_horizon_stands_at_the_top() -> None:
    lost = LimitPoint(7200, None, None, None, True, None, None)
    figure = walltime_curve([limit(1, 600), lost], asked_s=None)
    middle = figure["data"][2]
    assert middle["marker"]["symbol"] == ["circle", "triangle-up-open"]
    assert middle["y"][1] == pytest.approx(figure["layout"]["yaxis"]["range"][1], abs=1)


def test_hours_differ_by_a_mark_where_they_rest_on_something_else() -> None:
    hours = [
        Hour(NOW, 600, "10 min", "futures"),
        Hour(END, 3600, "1 h", "history"),
        Hour(END, None, "unknown", "none"),
    ]
    (trace,) = wait_by_hour(hours)["data"]
    assert trace["text"] == ["", "•", "–"]
    assert trace["z"][2] is None and trace["z"][0] < trace["z"][1]
    assert trace["customdata"][1] == "1 h, from past waits"


def test_a_week_in_which_nothing_is_known_is_drawn_all_the_same() -> None:
    (trace,) = wait_by_hour([Hour(NOW, None, "unknown", "none")])["data"]
    assert trace["zmin"] < trace["zmax"]


def test_axes_of_durations_have_few_round_ticks() -> None:
    assert linear_ticks(7000) == {
        "tickvals": [0, 1200, 2400, 3600, 4800, 6000, 7200],
        "ticktext": ["0", "20 min", "40 min", "1 h", "80 min", "100 min", "2 h"],
    }
    assert round_within(600, 86_400) == [600, 3600, 10_800, 21_600, 86_400]
