"""The walltime curve: start against the time limit, beside the risk of being killed by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from planner.charts.scale import linear_ticks, round_within, words
from planner.charts.types import Figure, Trace


@dataclass(frozen=True, slots=True)
class LimitPoint:
    """A time limit and the start that it gives. None: not known, or beyond the horizon where
    ``is_open``."""

    limit_s: float
    p10_s: float | None
    p50_s: float | None
    p90_s: float | None
    is_open: bool
    p_killed: float | None
    cliff: str | None  # why the start jumps here, in words


def walltime_curve(points: Sequence[LimitPoint], *, asked_s: float | None) -> Figure:
    """Points in order of the limit; ``asked_s``: the limit of the request, marked."""
    top_s = _top_s(points)
    killed = [point for point in points if point.p_killed is not None]
    cliffs = [point for point in points if point.cliff]
    return {
        "data": [
            _edge(points, [_or(p.p10_s, p.p50_s, top_s) for p in points], fill=False),
            _edge(points, [top_s if p.is_open else _or(p.p90_s, p.p50_s, top_s) for p in points]),
            _middle(points, top_s),
            *([_killed(killed)] if killed else []),
            *([_cliffs(cliffs, top_s)] if cliffs else []),
        ],
        "layout": {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            "xaxis": _limit_axis(points),
            "yaxis": {"title": {"text": "wait"}, "range": [0, top_s]} | linear_ticks(top_s),
            **({"yaxis2": _share_axis()} if killed else {}),
            "shapes": [_line(point.limit_s, "dot", "var(--warn)") for point in cliffs]
            + ([_line(asked_s, "dash", "var(--ink-soft)")] if asked_s else []),
            "annotations": [_asked(asked_s)] if asked_s else [],
        },
    }


def _top_s(points: Sequence[LimitPoint]) -> float:
    known = [s for point in points for s in (point.p50_s, point.p90_s) if s is not None]
    return 1.05 * max([600.0, *known])


def _or(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _edge(points: Sequence[LimitPoint], waits_s: Sequence[float], *, fill: bool = True) -> Trace:
    trace: Trace = {
        "mode": "lines",
        "name": "8 starts in 10",
        "showlegend": fill,
        "x": [point.limit_s for point in points],
        "y": [round(wait_s) for wait_s in waits_s],
        "line": {"color": "var(--series-3)", "width": 1},
        "hoverinfo": "skip",
    }
    return trace | ({"fill": "tonexty", "fillcolor": "var(--wait-soft)"} if fill else {})


def _middle(points: Sequence[LimitPoint], top_s: float) -> Trace:
    return {
        "mode": "lines+markers",
        "name": "half start before",
        "x": [point.limit_s for point in points],
        "y": [round(_or(point.p50_s, top_s)) for point in points],
        "line": {"color": "var(--series-3)", "width": 2},
        "marker": {
            "symbol": ["triangle-up-open" if p.p50_s is None else "circle" for p in points],
            "color": "var(--series-3)",
            "size": 7,
        },
        "customdata": [words(60 * round(point.limit_s / 60)) for point in points],
        "hovertemplate": "limit %{customdata}<extra></extra>",
    }


def _killed(points: Sequence[LimitPoint]) -> Trace:
    return {
        "mode": "lines+markers",
        "name": "killed at the limit",
        "yaxis": "y2",
        "x": [point.limit_s for point in points],
        "y": [100.0 * _or(point.p_killed) for point in points],
        "line": {"color": "var(--series-2)", "width": 2, "dash": "dash"},
        "marker": {"symbol": "x-thin-open", "color": "var(--series-2)", "size": 8},
        "hovertemplate": "%{y:.0f} % killed<extra></extra>",
    }


def _cliffs(points: Sequence[LimitPoint], top_s: float) -> Trace:
    return {
        "mode": "markers",
        "name": "cliff",
        "x": [point.limit_s for point in points],
        "y": [round(_or(point.p50_s, top_s)) for point in points],
        "customdata": [point.cliff for point in points],
        "marker": {"symbol": "diamond-open", "color": "var(--warn)", "size": 14},
        "hovertemplate": "%{customdata}<extra></extra>",
    }


def _limit_axis(points: Sequence[LimitPoint]) -> Figure:
    limits_s = round_within(points[0].limit_s, points[-1].limit_s)
    ticks = {"tickvals": limits_s, "ticktext": [words(limit_s) for limit_s in limits_s]}
    return ticks | {"type": "log", "title": {"text": "time limit"}}


def _share_axis() -> Figure:
    return {
        "title": {"text": "killed"},
        "overlaying": "y",
        "side": "right",
        "range": [0, 100],
        "tickmode": "linear",  # plotly 4 would take the ticks of the other axis
        "dtick": 25,
        "ticksuffix": " %",
        "showgrid": False,
    }


def _line(limit_s: float, dash: str, colour: str) -> Figure:
    line = {"dash": dash, "color": colour, "width": 1}
    ends = {"x0": limit_s, "x1": limit_s, "y0": 0, "y1": 1}
    return {"type": "line", "xref": "x", "yref": "paper", "line": line} | ends


def _asked(limit_s: float) -> Figure:
    place = {"x": log10(limit_s), "xref": "x", "xanchor": "left", "y": 1, "yref": "paper"}
    return {"text": "asked", "showarrow": False, "yanchor": "top"} | place
