"""The figures of an answer, from its JSON; None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from planner.charts import (
    Figure,
    Hour,
    LimitPoint,
    Submission,
    start_fan,
    wait_by_hour,
    walltime_curve,
)
from tracker.templatetags.queuecast import duration

HOURS_MIN = 2


def fan_figure(hours: Sequence[Mapping[str, Any]]) -> Figure | None:
    """Of hours with their times, as the page's table has them."""
    points = [
        Submission(
            hour["submit_at"],
            hour["p10_at"],
            hour["p50_at"],
            hour["p90_at"],
            is_open=bool(hour["later_than_horizon"]),
            is_past=hour["basis"] == "history",
        )
        for hour in hours
        if hour["basis"] != "none"
    ]
    if len(points) < HOURS_MIN:
        return None
    known = [at for p in points for at in (p.submit_at, p.p50_at, p.p90_at) if at is not None]
    return start_fan(points, until=max(known) + timedelta(minutes=30))


def heat_figure(hours: Sequence[Mapping[str, Any]]) -> Figure | None:
    if len(hours) < HOURS_MIN:
        return None
    return wait_by_hour(
        [
            Hour(hour["submit_at"], hour["wait"]["p50_s"], _said(hour), hour["basis"])
            for hour in hours
        ]
    )


def _said(hour: Mapping[str, Any]) -> str:
    wait_s = hour["wait"]["p50_s"]
    if wait_s is None:
        return "beyond the horizon" if hour["later_than_horizon"] else "unknown"
    return "at once" if wait_s < 60 else duration(wait_s)


def walltime_figure(
    walltime: Sequence[Mapping[str, Any]] | None, request: Mapping[str, Any]
) -> Figure | None:
    points = [
        LimitPoint(
            60.0 * point["limit_minutes"],
            *(point["start"][level] for level in ("p10_s", "p50_s", "p90_s")),
            is_open=bool(point["later_than_horizon"]),
            p_killed=point["p_killed"],
            cliff=point["cliff"],
        )
        for point in walltime or ()
        if point["start"]["p50_s"] is not None or point["later_than_horizon"]
    ]
    if len(points) < HOURS_MIN:
        return None
    asked_minutes = request.get("limit_minutes")
    return walltime_curve(points, asked_s=asked_minutes and 60.0 * asked_minutes)
