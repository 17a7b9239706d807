"""The two pictures of a track record, as plotly gets them."""

from __future__ import annotations

import json

import numpy as np

from planner.accuracy import Interval, Points, ReliabilityPoint
from planner.charts import predicted_against_actual, reliability

NINETY = ReliabilityPoint(0.9, 0.8, Interval(0.7, 0.85), 40)


def points(predicted_s: list[float], actual_s: list[float]) -> Points:
    return Points(np.array(predicted_s), np.array(actual_s), len(actual_s))


def test_a_share_stands_above_its_level_within_its_interval() -> None:
    figure = reliability([NINETY], [])
    ours = figure["data"][1]
    assert (ours["x"], ours["y"]) == ([90.0], [80.0])
    assert np.allclose(ours["error_y"]["array"] + ours["error_y"]["arrayminus"], [5.0, 10.0])
    assert json.loads(json.dumps(figure)) == figure


def test_jobs_that_start_at_once_are_drawn_on_the_edge_of_the_logarithmic_axes() -> None:
    figure = predicted_against_actual(points([0, 7200], [3, 60]), points([], []))
    exact, ours = figure["data"]
    assert (ours["x"], ours["y"]) == ([10.0, 7200.0], [10.0, 60.0])
    assert exact["x"] == exact["y"] == [10.0, 7200.0]
    assert "at once" in figure["layout"]["xaxis"]["ticktext"]
    assert json.loads(json.dumps(figure)) == figure


def test_series_differ_by_more_than_colour() -> None:
    waits = predicted_against_actual(points([60], [60]), points([60], [90]))
    for figure in (waits, reliability([NINETY], [NINETY])):
        first, second = figure["data"][1:]
        assert first["marker"]["symbol"] != second["marker"]["symbol"]
        assert all(trace["marker"]["color"].startswith("var(--") for trace in (first, second))
