"""Compared runs as a legend, and as the numbers behind the pictures of settings and metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tracker.comparing.chosen import label_of
from tracker.flat_config import setting_words
from tracker.metrics.points import json_value
from tracker.models import MetricSeries, Run
from tracker.views.curves_data import first_looked_at
from tracker.views.run_rows import value_of

COLOURS = 8  # --series-1 and on of theme.css
DASHES = 7  # of curve_figure.js and compare.css; with the colours a line for each of 50 runs
METRICS_MAX = 200  # names on offer
TAIL = -12  # of an id, as the address names runs that are not drawn
Summaries = Mapping[str, Mapping[str, MetricSeries]]  # by run, then by metric


@dataclass(frozen=True, slots=True)
class Compared:
    """A run with its line, its settings that differ, and the last values of the metrics drawn."""

    run: Run
    label: str
    colour: int
    dash: int
    is_shown: bool
    settings: Sequence[str]
    latest: list[float | None]


def summaries_of(runs: Sequence[Run]) -> dict[str, dict[str, MetricSeries]]:
    found: dict[str, dict[str, MetricSeries]] = {run.pk: {} for run in runs}
    rows = MetricSeries.objects.filter(run__in=runs)
    for one in rows.only("run", "name", "last_bits", "min_value", "max_value"):
        found[one.run_id][one.name] = one
    return found


def metrics_in(summaries: Summaries) -> list[tuple[str, int]]:
    """Names of metrics with how many runs have them: those that most have first, losses before
    others."""
    counts = Counter(name for of_run in summaries.values() for name in of_run)
    return sorted(counts.items(), key=lambda one: (-one[1], first_looked_at(one[0])))[:METRICS_MAX]


def compared(
    runs: Sequence[Run],
    settings: Sequence[Sequence[str]],
    summaries: Summaries,
    *,
    metrics: Sequence[str],
    hidden: Collection[str],
) -> list[Compared]:
    return [
        Compared(
            run,
            label_of(run),
            colour=place % COLOURS + 1,
            # The dash moves on beside the colour: hues alone tell no two runs apart.
            dash=(place + place // COLOURS) % DASHES,
            is_shown=run.pk[TAIL:] not in hidden,
            settings=values,
            latest=[_last(summaries[run.pk].get(metric)) for metric in metrics],
        )
        for place, (run, values) in enumerate(zip(runs, settings, strict=True))
    ]


def numbers_of(
    rows: Sequence[Compared],
    settings: Sequence[Mapping[str, object]],
    summaries: Summaries,
    *,
    keys: Sequence[str],
    metrics: Sequence[str],
) -> dict[str, object]:
    """What the pictures of settings against metrics are drawn from; of each metric the last, the
    least and the greatest value. A setting that is neither number, text nor truth goes as text."""
    runs = [
        {
            "id": row.run.pk,
            "label": row.label,
            "url": row.run.get_absolute_url(),
            "colour": row.colour,
            "settings": {key: _plain(values[key]) for key in keys if key in values},
            "metrics": {
                name: [_json(_last(one)), one.min_value, one.max_value]
                for name in metrics
                if (one := summaries[row.run.pk].get(name))
            },
        }
        for row, values in zip(rows, settings, strict=True)
    ]
    return {"keys": list(keys), "metrics": list(metrics), "runs": runs}


def _last(series: MetricSeries | None) -> float | None:
    return None if series is None else value_of(series.last_bits)


def _json(value: float | None) -> float | str | None:
    return None if value is None else json_value(value)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return json_value(value)
    return value if isinstance(value, bool | int | str) else setting_words(value)
