"""The fan: when a job would start, against when it is submitted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.charts.types import Figure, Trace


@dataclass(frozen=True, slots=True)
class Submission:
    """A moment to submit at, and the start that follows. None: not known, unless ``is_open``: then
    the late end lies beyond the horizon."""

    submit_at: datetime
    p10_at: datetime | None
    p50_at: datetime | None
    p90_at: datetime | None
    is_open: bool
    is_past: bool  # told by past waits; False: by simulated futures


def start_fan(points: Sequence[Submission], *, until: datetime) -> Figure:
    """Median and range of eight in ten, with the line on which a job starts at once. What is open
    runs to ``until``, the upper edge."""
    told = [point for point in points if point.p50_at or point.is_open]
    first, last = points[0].submit_at, points[-1].submit_at
    return {
        "data": [
            _edge("8 starts in 10", [(p, p.p10_at or p.p50_at or until) for p in told], fill=False),
            _edge("8 starts in 10", [(p, _late(p, until)) for p in told], fill=True),
            _at_once(first, last),
            _middle("half start before", [p for p in told if not p.is_past], until, "circle"),
            *_past([p for p in told if p.is_past], until),
        ],
        "layout": {
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            "xaxis": {"type": "date", "title": {"text": "submitted"}},
            "yaxis": {
                "type": "date",
                "title": {"text": "start"},
                "range": [first.isoformat(), until.isoformat()],
            },
        },
    }


def _late(point: Submission, until: datetime) -> datetime:
    return until if point.is_open else point.p90_at or point.p50_at or until


def _edge(name: str, ends: Iterable[tuple[Submission, datetime]], *, fill: bool) -> Trace:
    """One end of the range; with ``fill`` the area down to the end drawn before it."""
    pairs = list(ends)
    trace: Trace = {
        "mode": "lines",
        "name": name,
        "showlegend": fill,
        "x": [point.submit_at.isoformat() for point, _ in pairs],
        "y": [at.isoformat() for _, at in pairs],
        "line": {"color": "var(--series-3)", "width": 1},
        "hovertemplate": f"{'9 in 10' if fill else '1 in 10'} by %{{y}}<extra></extra>",
    }
    return trace | ({"fill": "tonexty", "fillcolor": "var(--wait-soft)"} if fill else {})


def _at_once(first: datetime, last: datetime) -> Trace:
    ends = [first.isoformat(), last.isoformat()]
    line = {"color": "var(--ink-soft)", "width": 1, "dash": "dash"}
    return {
        "mode": "lines",
        "name": "at once",
        "x": ends,
        "y": ends,
        "line": line,
        "hoverinfo": "skip",
    }


def _middle(name: str, points: Sequence[Submission], until: datetime, symbol: str) -> Trace:
    """A middle beyond the horizon is an arrow at the edge."""
    return {
        "mode": "lines+markers",
        "name": name,
        "x": [point.submit_at.isoformat() for point in points],
        "y": [(point.p50_at or until).isoformat() for point in points],
        "line": {"color": "var(--series-3)", "width": 2},
        "marker": {
            "symbol": [symbol if point.p50_at else "triangle-up-open" for point in points],
            "color": "var(--series-3)",
            "size": 7,
        },
        "hovertemplate": "submitted %{x}: half start by %{y}<extra></extra>",
    }


def _past(points: Sequence[Submission], until: datetime) -> list[Trace]:
    return [_middle("the same, by past waits", points, until, "diamond-open")] if points else []
