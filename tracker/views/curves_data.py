"""The curves of a run's page: names and controls; the points come from /api/v1/compare."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from tracker.models import MetricSeries, Run
from tracker.views.curve_controls import CHARTS_MAX, Controls, controls_of


def first_looked_at(name: str) -> tuple[bool, str]:
    """To sort metrics by: a training is judged by its losses first, then the rest by name."""
    return "loss" not in name.lower(), name.lower()


def series_of(run: Run) -> list[MetricSeries]:
    return sorted(run.series.all(), key=lambda one: first_looked_at(one.name))


def curves_of(series: Sequence[MetricSeries]) -> dict[str, object]:
    """What is drawn, as it changes while the run goes on."""
    return {
        "curve_names": [one.name for one in series[:CHARTS_MAX]],
        "curves_max": CHARTS_MAX,
    }


def curve_controls(query: QueryDict) -> Controls:
    return controls_of(query, [], CHARTS_MAX)
