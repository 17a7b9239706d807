"""Futures of the newest forecast of a cluster, as its batches stored them: the only reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planner.models import Forecast, ForecastBatch
from tracker.models import Cluster

if TYPE_CHECKING:
    from planner.futures import Future

MOST = 16  # replicas of a forecast whose futures are kept: a fit costs time in each of them


def newest(cluster: Cluster) -> tuple[Forecast, list[Future]] | None:
    """Those of the live forecast whose estimates hold now, in order of replica. Their origin is the
    forecast's ``snapshot_at``. None: there are none.
    """
    # Here and not above: the beat and the poll workers import this module too.
    from planner.futures import unpack

    forecast = Forecast.newest_made(cluster)
    if forecast is None:
        return None
    # A batch that was begun before the last poll was stored speaks of another queue.
    made = forecast.batches.filter(snapshot_at=forecast.snapshot_at).exclude(futures=None)
    packed = made.values_list("futures", flat=True)
    futures = [future for data in packed for future in unpack(bytes(data))]
    return (forecast, futures) if futures else None


def keep_newest(cluster: Cluster) -> None:
    """Let go of those that a newer forecast has replaced: a batch holds some megabytes."""
    newest_made = Forecast.newest_made(cluster)
    if newest_made is not None:
        ForecastBatch.objects.filter(
            forecast__cluster=cluster, forecast__requested_at__lt=newest_made.requested_at
        ).exclude(futures=None).update(futures=None)
