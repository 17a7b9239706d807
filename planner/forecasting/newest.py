"""What an answer given now would rest on. Light enough for every process."""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.models import Forecast
from tracker.models import Cluster, Poll

OLD = timedelta(minutes=30)  # futures older than the newest queue by this say too little of it


def queue_read_at(cluster: Cluster) -> datetime | None:
    """When the queue was last read; None: never, so nothing can be answered yet."""
    good = Poll.objects.filter(cluster=cluster, command="squeue", ok=True)
    return good.values_list("started_at", flat=True).first()


def young_forecast(cluster: Cluster) -> Forecast | None:
    """The newest, if its futures may be answered from."""
    queue_at, forecast = queue_read_at(cluster), Forecast.newest_made(cluster)
    if queue_at is None or forecast is None or forecast.snapshot_at is None:
        return None
    return forecast if queue_at - forecast.snapshot_at < OLD else None


def snapshot_at(cluster: Cluster) -> datetime | None:
    """Of the answer that would be given now."""
    forecast = young_forecast(cluster)
    return forecast.snapshot_at if forecast else queue_read_at(cluster)
