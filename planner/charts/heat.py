"""The heat strip: the expected wait by hour of day and day, a week ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10
from typing import Literal

from planner.charts.scale import ROUND_S, words
from planner.charts.types import Figure

Basis = Literal["futures", "history", "none"]
AT_ONCE_S = 60.0  # and less: the logarithmic scale has no 0
MARKS: dict[Basis, str] = {"futures": "", "history": "•", "none": "–"}
SOURCES: dict[Basis, str] = {
    "futures": "from simulated futures",
    "history": "from past waits",
    "none": "not known",
}


@dataclass(frozen=True, slots=True)
class Hour:
    submit_at: datetime
    wait_s: float | None  # the middle; None: not known, or beyond the horizon
    said: str  # the wait in words
    basis: Basis


def wait_by_hour(hours: Sequence[Hour]) -> Figure:
    """One cell for each hour. Both coordinates are the hour itself: the page splits them into hour
    of day and day by the reader's clock. A mark says what an hour rests on."""
    known_s = [max(AT_ONCE_S, hour.wait_s) for hour in hours if hour.wait_s is not None]
    low_s = max((at for at in ROUND_S if at <= min(known_s, default=AT_ONCE_S)), default=AT_ONCE_S)
    high_s = max([10 * low_s, *known_s])
    ticks_s = [at for at in ROUND_S if low_s <= at <= high_s]
    at = [hour.submit_at.isoformat() for hour in hours]
    return {
        "data": [
            {
                "type": "heatmap",
                "x": at,
                "y": at,
                "z": [_height(hour.wait_s) for hour in hours],
                "zmin": log10(low_s),
                "zmax": log10(high_s),
                "text": [MARKS[hour.basis] for hour in hours],
                "texttemplate": "%{text}",
                "textfont": {"size": 13},
                "customdata": [f"{hour.said}, {SOURCES[hour.basis]}" for hour in hours],
                "hovertemplate": "%{y}, %{x}: %{customdata}<extra></extra>",
                "hoverongaps": False,
                "xgap": 1,
                "ygap": 1,
                "colorscale": [[0, "var(--sunken)"], [1, "var(--series-3)"]],
                "colorbar": {
                    "title": {"text": "wait"},
                    "thickness": 12,
                    "tickvals": [log10(at_s) for at_s in ticks_s],
                    "ticktext": [f"≤ {words(ticks_s[0])}", *map(words, ticks_s[1:])],
                },
            }
        ],
        "layout": {
            "xaxis": {"type": "linear", "dtick": 3, "title": {"text": "hour of day"}},
            "yaxis": {"type": "category", "autorange": "reversed", "dtick": 1},
        },
    }


def _height(wait_s: float | None) -> float | None:
    return None if wait_s is None else round(log10(max(AT_ONCE_S, wait_s)), 3)
