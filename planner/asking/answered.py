"""A stored answer as it is told at one instant: with its age, and in lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

OLD = timedelta(minutes=10)  # of a queue, after which it may be another


def told_at(
    now: datetime,
    answer: Mapping[str, Any],
    *,
    snapshot_at: datetime,
    request: Mapping[str, Any],
    ignored: Sequence[str],
) -> dict[str, Any]:
    """The answer as ``POST /api/v1/plan`` and ``manage.py plan`` tell it."""
    age = now - snapshot_at
    told = {
        "snapshot_at": snapshot_at.isoformat(),
        "age_s": age.total_seconds(),
        "stale": age > OLD,
        "warning": _warning(age) if age > OLD else None,
        "request": dict(request),
        **answer,
        "ignored": list(ignored),
    }
    return told | {"text": list(_lines(told, snapshot_at))}


def _warning(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    old = f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
    return f"The queue was read {old} ago and may be another by now."


def _lines(told: Mapping[str, Any], snapshot_at: datetime) -> Iterator[str]:
    if told["warning"]:
        yield told["warning"]
    count = told["replicas"]
    futures = f"{count} simulated {'future' if count == 1 else 'futures'}"
    hours = told["horizon_s"] / 3600
    yield f"As of {snapshot_at:%Y-%m-%d %H:%M:%S} UTC, by {futures} of {hours:g} h"
    yield from (*told.get("notes", ()), "", *told.get("text", ()))
    if told["ignored"]:
        yield ""
        yield f"Not considered: {' '.join(told['ignored'])}"
