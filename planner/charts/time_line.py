"""The time line of planned starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.charts.types import Figure


@dataclass(frozen=True, slots=True)
class Bar:
    """One job on the time line: when it would start and for how long at most."""

    label: str
    start_at: datetime
    length_s: float | None  # None: without limit; drawn to the end of the picture
    early_at: datetime | None  # one start in ten is before; None: not known
    late_at: datetime | None  # nine in ten are before; None: drawn to the end of the picture
    is_own: bool
    note: str  # shown beside the pointer


def start_time_line(bars: Sequence[Bar], *, start: datetime, until: datetime) -> Figure:
    """Expected starts, the earliest on top, with the range of eight in ten where it is known; own
    jobs in a colour of their own. The axis runs from ``start`` to ``until``."""
    in_order = sorted(bars, key=lambda bar: bar.start_at)
    return {
        "data": [
            _trace("yours", [bar for bar in in_order if bar.is_own], "var(--series-2)", until),
            _trace("others", [bar for bar in in_order if not bar.is_own], "var(--series-3)", until),
            *_ranges([bar for bar in in_order if bar.early_at], until),
        ],
        "layout": {
            "barmode": "overlay",
            "bargap": 0.25,
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
            "xaxis": {"type": "date", "range": [start.isoformat(), until.isoformat()]},
            "yaxis": {
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [bar.label for bar in in_order],
                "autorange": "reversed",
                "dtick": 1,
            },
        },
    }


def _trace(name: str, bars: Sequence[Bar], colour: str, until: datetime) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "base": [bar.start_at.isoformat() for bar in bars],
        "x": [_length_ms(bar, until) for bar in bars],  # plotly: milliseconds on a date axis
        "y": [bar.label for bar in bars],
        "customdata": [bar.note for bar in bars],
        "hovertemplate": "%{y}<br>%{customdata}<extra></extra>",
        "marker": {"color": colour, "opacity": 0.55},  # ranges are drawn over it
    }


def _ranges(bars: Sequence[Bar], until: datetime) -> list[Figure]:
    """From early to late as one line each, broken between jobs by None; nothing without any."""
    if not bars:
        return []
    return [
        {
            "mode": "lines+markers",
            "name": "8 starts in 10",
            "x": [
                at for bar in bars for at in (_iso(bar.early_at), _iso(bar.late_at or until), None)
            ],
            "y": [label for bar in bars for label in (bar.label, bar.label, None)],
            "line": {"color": "var(--ink)", "width": 2},
            "marker": {"color": "var(--ink)", "symbol": "line-ns-open", "size": 9},
            "hovertemplate": "%{x}<extra></extra>",
        }
    ]


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _length_ms(bar: Bar, until: datetime) -> float:
    to_end_s = max(0.0, (until - bar.start_at).total_seconds())
    return 1000 * (to_end_s if bar.length_s is None else bar.length_s)
