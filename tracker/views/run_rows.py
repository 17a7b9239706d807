"""Runs as rows of a list: the newest estimate of each, and the metrics worth a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.db.models import Prefetch, QuerySet

from tracker import points
from tracker.models import MetricSeries, Run, StartEstimate

METRIC_COLUMNS = 4


def with_newest_estimate(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Runs with ``run.job.newest_estimates`` fetched: a list of one, or empty."""
    newest = StartEstimate.objects.filter(is_newest=True)
    return runs.prefetch_related(
        Prefetch("job__estimates", queryset=newest, to_attr="newest_estimates")
    )


def value_of(bits: int | None) -> float | None:
    """Of a series without a point yet there is none."""
    return None if bits is None else points.value_of(bits)


def attach_metrics(runs: Sequence[Run]) -> list[str]:
    """Give each run ``latest``, one value for each of the names returned: those most runs have."""
    series = MetricSeries.objects.filter(run__in=runs).values_list("run", "name", "last_bits")
    latest = {(run, name): value_of(bits) for run, name, bits in series}
    counts = Counter(name for _, name in latest)
    names = sorted(counts, key=lambda name: (-counts[name], name))[:METRIC_COLUMNS]
    for run in runs:
        run.latest = [latest.get((run.pk, name)) for name in names]
    return names
