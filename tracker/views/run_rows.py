"""Runs as rows of a list: the newest estimate of each, and what a metric's value is."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from tracker.metrics import points
from tracker.models import Run, StartEstimate


def with_newest_estimate(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Runs with ``run.job.newest_estimates`` fetched: a list of one, or empty."""
    newest = StartEstimate.objects.filter(is_newest=True)
    return runs.prefetch_related(
        Prefetch("job__estimates", queryset=newest, to_attr="newest_estimates")
    )


def value_of(bits: int | None) -> float | None:
    """Of a series without a point yet there is none."""
    return None if bits is None else points.value_of(bits)
