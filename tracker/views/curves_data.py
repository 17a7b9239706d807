"""The curves of a run's page: names and controls; the points come from /api/v1/compare."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import QueryDict

from tracker.models import MetricSeries
from tracker.views.curve_controls import CHARTS_MAX, Controls, controls_of


def curves_of(series: Sequence[MetricSeries]) -> dict[str, object]:
    """What is drawn, as it changes while the run goes on."""
    return {
        "curve_names": [one.name for one in series[:CHARTS_MAX]],
        "curves_max": CHARTS_MAX,
    }


def curve_controls(query: QueryDict) -> Controls:
    return controls_of(query, [], CHARTS_MAX)
