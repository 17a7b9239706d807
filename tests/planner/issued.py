"""Forecasts made and published at once, without rows of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from planner.forecasting.forecasts import QueueForecast, forecast
from planner.forecasting.issuing import publish
from planner.forecasting.known import Known
from tracker.models import Cluster


@dataclass(frozen=True)
class Issued:
    forecast: QueueForecast
    issued_at: datetime
    known: Known


def issue(
    cluster: Cluster, as_of: datetime | None = None, *, replicas: int = 1, horizon_s: int = 3600
) -> Issued:
    """One replica: the plan, which is quick."""
    issued_at = as_of or timezone.now()
    known = Known.of(cluster, issued_at)
    past = known.past if replicas > 1 else None
    made = forecast(known.snapshot, past, replicas=replicas, horizon_s=horizon_s)
    publish(known, made, issued_at, is_replayed=as_of is not None)
    return Issued(made, issued_at, known)
