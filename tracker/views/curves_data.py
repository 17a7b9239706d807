"""The curves of a run as its page wants them: columns, thinned, and safe in JSON."""

from __future__ import annotations

from collections.abc import Sequence

from tracker.models import MetricSeries
from tracker.points import json_value

CURVES_MAX = 24  # charts on a page; the table of metrics lists every one
POINTS_MAX = 1_000  # of a curve: about the pixels across its chart on a wide screen


def curves_of(series: Sequence[MetricSeries]) -> list[dict[str, object]]:
    """``name``, ``step``, ``time`` (epoch seconds) and ``value`` of the first metrics.

    What JSON has no number for is one of the strings NaN, Infinity and -Infinity.
    """
    # Here, so that a web worker which shows no run page never loads NumPy.
    from tracker.series import read_curve

    curves = [(one.name, read_curve(one, max_points=POINTS_MAX)) for one in series[:CURVES_MAX]]
    return [
        {
            "name": name,
            "step": curve.step.tolist(),
            "time": curve.time_s.tolist(),
            "value": [json_value(value) for value in curve.value.tolist()],
        }
        for name, curve in curves
    ]
