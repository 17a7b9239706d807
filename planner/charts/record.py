"""The two pictures of a track record."""

from __future__ import annotations

from collections.abc import Sequence

from planner.accuracy import Points, ReliabilityPoint
from planner.charts.types import Figure, Trace

AT_ONCE_S = 10.0  # left and lower edge: a logarithmic axis has no 0
TICKS_S = {
    AT_ONCE_S: "at once",
    60.0: "1 min",
    600.0: "10 min",
    3600.0: "1 h",
    21_600.0: "6 h",
    86_400.0: "1 d",
    604_800.0: "1 week",
    2_592_000.0: "30 d",
}
LEGEND = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"}
EXACT = {"color": "var(--ink-soft)", "width": 1, "dash": "dash"}


def reliability(ours: Sequence[ReliabilityPoint], history: Sequence[ReliabilityPoint]) -> Figure:
    """Which share started before each of our times, against the share that should have."""
    levels = [10, 50, 90]
    ticks = {"tickvals": levels, "ticktext": [f"{level} %" for level in levels]}
    axis = ticks | {"range": [-4, 104]}
    return {
        "data": [
            _diagonal(0.0, 100.0, "as it should be"),
            _shares("ours", ours, "var(--series-1)", "circle"),
            _shares("history alone", history, "var(--series-2)", "diamond-open"),
        ],
        "layout": {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": axis | {"title": {"text": "should have started by then"}},
            "yaxis": axis | {"title": {"text": "did start by then"}},
        },
    }


def predicted_against_actual(ours: Points, slurm: Points) -> Figure:
    """Waits as they were told and as they came, in seconds on logarithmic axes; nobody's job is
    named."""
    series = [_jobs("ours", ours, "var(--series-1)", "circle", 0.4)]
    if slurm.n:
        series.append(_jobs("Slurm's", slurm, "var(--series-2)", "x-thin-open", 0.8))
    longest_s = max([3600.0, *(max(each["x"] + each["y"]) for each in series if each["x"])])
    return {
        "data": [_diagonal(AT_ONCE_S, longest_s, "as told"), *series],
        "layout": {
            "showlegend": True,
            "legend": LEGEND,
            "xaxis": _wait_axis("wait as told"),
            "yaxis": _wait_axis("wait as it came"),
        },
    }


def _wait_axis(title: str) -> Figure:
    ticks = {"tickvals": list(TICKS_S), "ticktext": list(TICKS_S.values())}
    return ticks | {"type": "log", "title": {"text": title}}


def _diagonal(low: float, high: float, name: str) -> Trace:
    ends = [low, high]
    return {"mode": "lines", "name": name, "x": ends, "y": ends, "line": EXACT, "hoverinfo": "skip"}


def _shares(name: str, points: Sequence[ReliabilityPoint], colour: str, symbol: str) -> Trace:
    return {
        "mode": "markers+lines",
        "name": name,
        "x": [100.0 * point.level for point in points],
        "y": [100.0 * point.share for point in points],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [100.0 * (point.interval.high - point.share) for point in points],
            "arrayminus": [100.0 * (point.share - point.interval.low) for point in points],
            "color": colour,
        },
        "customdata": [point.n for point in points],
        "hovertemplate": "%{x:.0f} % should, %{y:.0f} % did, of %{customdata} jobs",
        "line": {"color": colour, "width": 1},
        "marker": {"color": colour, "symbol": symbol, "size": 10},
    }


def _jobs(name: str, points: Points, colour: str, symbol: str, opacity: float) -> Trace:
    return {
        "mode": "markers",
        "name": name,
        "x": [max(AT_ONCE_S, round(float(s), 1)) for s in points.predicted_s],
        "y": [max(AT_ONCE_S, round(float(s), 1)) for s in points.actual_s],
        "hoverinfo": "name",
        "opacity": opacity,
        "marker": {"color": colour, "symbol": symbol, "size": 6, "line": {"color": colour}},
    }
