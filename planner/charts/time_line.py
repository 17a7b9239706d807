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
    is_own: bool
    note: str  # shown beside the pointer


def start_time_line(bars: Sequence[Bar], *, start: datetime, until: datetime) -> Figure:
    """Planned starts, the earliest on top; own jobs in a colour of their own. The axis runs from
    ``start`` to ``until``."""
    in_order = sorted(bars, key=lambda bar: bar.start_at)
    return {
        "data": [
            _trace("yours", [bar for bar in in_order if bar.is_own], "var(--series-2)", until),
            _trace("others", [bar for bar in in_order if not bar.is_own], "var(--series-3)", until),
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
        "marker": {"color": colour},
    }


def _length_ms(bar: Bar, until: datetime) -> float:
    to_end_s = max(0.0, (until - bar.start_at).total_seconds())
    return 1000 * (to_end_s if bar.length_s is None else bar.length_s)
