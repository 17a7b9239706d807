"""One metric of several runs as columns for a chart; NumPy, so only where curves are shown."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from tracker.comparing.chosen import settings_of_run
from tracker.comparing.groups import groups_of
from tracker.comparing.looks import Look, drawn, line
from tracker.comparing.seeds import spread
from tracker.curves import Curve, Floats
from tracker.metrics.points import json_value, value_of
from tracker.metrics.series import read_curves
from tracker.models import MetricSeries, Run


class SeriesRow(TypedDict):
    """``last`` as JSON has it; ``min`` and ``max`` are over finite values."""

    run_id: str
    last: float | str | None
    last_step: int | None
    min: float | None
    max: float | None
    count: int
    non_finite_count: int


class RunLine(TypedDict):
    run_id: str
    x: list[float]
    value: list[float | str]
    smoothed: list[float | None] | None


class GroupLine(TypedDict):
    label: str
    run_ids: list[str]
    x: list[float]
    mean: list[float | str]
    low: list[float | str]
    high: list[float | str]
    count: list[int]


class Chart(TypedDict):
    """``curves`` where each run is drawn, ``groups`` where those set alike are drawn as one."""

    metric: str
    rows: list[SeriesRow]
    curves: list[RunLine]
    groups: list[GroupLine]


def series_of(runs: Sequence[Run], metrics: Sequence[str]) -> dict[str, list[MetricSeries]]:
    """By metric, in the order of ``runs``; a metric that no run has is an empty list."""
    order = {run.pk: place for place, run in enumerate(runs)}
    rows = MetricSeries.objects.filter(run__in=runs, name__in=metrics)
    found: dict[str, list[MetricSeries]] = {metric: [] for metric in metrics}
    for one in sorted(rows, key=lambda one: order[one.run_id]):
        found[one.name].append(one)
    return found


def version_of(runs: Sequence[Run], series: Mapping[str, Sequence[MetricSeries]]) -> str:
    """Changes whenever anything that a chart shows of these does."""
    shown = [(run.pk, run.name, run.seed, run.status, run.config_sha256) for run in runs]
    states = [
        [name, *((one.pk, one.count, one.updated_at) for one in each)]
        for name, each in series.items()
    ]
    return hashlib.sha256(repr((shown, states)).encode()).hexdigest()[:24]


def chart(metric: str, series: Sequence[MetricSeries], runs: Sequence[Run], look: Look) -> Chart:
    whole = read_curves(series)
    curves = {one.run_id: whole[one.pk] for one in series}
    grouped = bool(look.group_by)
    return {
        "metric": metric,
        "rows": [_row(one) for one in series],
        "curves": [] if grouped else [_run_line(*each, look) for each in curves.items()],
        "groups": _group_lines(curves, runs, look) if grouped else [],
    }


def _row(series: MetricSeries) -> SeriesRow:
    last = None if series.last_bits is None else json_value(value_of(series.last_bits))
    return {
        "run_id": series.run_id,
        "last": last,
        "last_step": series.last_step,
        "min": series.min_value,
        "max": series.max_value,
        "count": series.count,
        "non_finite_count": series.non_finite_count,
    }


def _run_line(run_id: str, curve: Curve, look: Look) -> RunLine:
    seen = drawn(curve, look)
    return {
        "run_id": run_id,
        "x": seen.x.tolist(),
        "value": _json_column(seen.value),
        "smoothed": None if seen.smoothed is None else _with_gaps(seen.smoothed),
    }


def _group_lines(curves: Mapping[str, Curve], runs: Sequence[Run], look: Look) -> list[GroupLine]:
    settings = {run.pk: settings_of_run(run) for run in runs if run.pk in curves}
    lines = []
    for group in groups_of(settings, look.group_by):
        members = [line(curves[run_id], look) for run_id in group.members]
        together = spread(members, look.max_points, look.band)
        lines.append(
            GroupLine(
                label=group.label,
                run_ids=list(group.members),
                x=together.x.tolist(),
                mean=_json_column(together.mean),
                low=_json_column(together.low),
                high=_json_column(together.high),
                count=together.count.tolist(),
            )
        )
    return lines


def _json_column(values: Floats) -> list[float | str]:
    column = values.tolist()
    return column if np.isfinite(values).all() else [json_value(value) for value in column]


def _with_gaps(values: Floats) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]
