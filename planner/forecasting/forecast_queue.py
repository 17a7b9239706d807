"""Forecasts as work: asked for once the queue was read anew, each a row.

``planner.forecasting.forecast_batches`` makes them. Light enough for every process.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Sum

from planner import work
from planner.forecasting.forecast_batches import FEW, MANY, TASK, State
from planner.forecasting.newest import queue_read_at
from planner.models import Forecast, ForecastBatch
from tracker.models import Cluster, Job, StartEstimate

MAX_DUTY = 0.25  # share of one core that forecasts of a cluster may take
HOUR = timedelta(hours=1)  # in whose mean they keep to it where somebody waits for a first answer
CHEAP = timedelta(minutes=2)  # MANY replicas each time, if that share allows it so often;
MANY_EVERY = timedelta(minutes=30)  # else now and then,
LONGEST_REST = timedelta(minutes=10)  # where the next FEW need not wait longer for it
STALE = timedelta(minutes=10)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=60)  # after which a doorbell is rung again
KEEP = timedelta(days=1)


def request_due(now: datetime) -> list[int]:
    """A row for each followed cluster whose queue was read since its last forecast; their ids."""
    due = [one for one in Cluster.objects.filter(polling_paused=False) if _is_due(one, now)]
    return [_request(cluster, now).pk for cluster in due]


def _is_due(cluster: Cluster, now: datetime) -> bool:
    read_at = queue_read_at(cluster)
    last, done = _live(cluster).first(), _live(cluster).filter(state=State.DONE).first()
    if read_at is None:
        return False
    if last is None:
        return True
    is_news = done is None or done.snapshot_at is None or read_at > done.snapshot_at
    if last.is_open or not is_news:
        return False
    has_rested = now - last.requested_at >= _rest(last.cpu_s or 0.0)
    return has_rested or _is_hurried(cluster, now)


def _is_hurried(cluster: Cluster, now: datetime) -> bool:
    """Whether a job started here waits of which nothing was said, and the hour's share has room."""
    said = StartEstimate.objects.filter(
        job=OuterRef("pk"), submit_at=OuterRef("submit_at"), is_replayed=False
    )
    waiting = Job.objects.filter(cluster=cluster, in_queue=True, start_at=None)
    if not waiting.filter(~Exists(said), runs__isnull=False).exists():
        return False
    spent = _live(cluster).filter(requested_at__gt=now - HOUR).aggregate(s=Sum("cpu_s", default=0))
    return bool(spent["s"] < MAX_DUTY * HOUR.total_seconds())


def _live(cluster: Cluster) -> QuerySet[Forecast]:
    """Newest first, without replays: those of the past tell nothing of now."""
    return cluster.forecasts.filter(as_of=None)


def _rest(cpu_s: float) -> timedelta:
    """From one request to the next, for work of so much to keep to its share."""
    return timedelta(seconds=cpu_s / MAX_DUTY)


def _request(cluster: Cluster, now: datetime) -> Forecast:
    replicas = _affordable(cluster, now)
    row = Forecast.objects.create(cluster=cluster, requested_at=now, replicas=replicas)
    work.ring(TASK, [row.pk])
    return row


def _affordable(cluster: Cluster, now: datetime) -> int:
    """Replicas, by what those of the last forecast took."""
    last = Forecast.newest_made(cluster)
    made = last and last.batches.filter(state=State.DONE).aggregate(n=Sum("replicas"))["n"]
    if not last or not made or last.cpu_s is None:
        return FEW
    rest = _rest(last.cpu_s * MANY / made)
    had_many = _live(cluster).filter(replicas=MANY, requested_at__gt=now - MANY_EVERY).exists()
    return MANY if rest <= (CHEAP if had_many else LONGEST_REST) else FEW


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    live = Forecast.objects.filter(as_of=None)  # planner.record.replay rings for the others
    live.filter(requested_at__lt=now - KEEP).delete()
    for rows in (Forecast.objects.all(), ForecastBatch.objects.all()):
        work.recover(rows, claimed_before=now - STALE, now=now)
    in_work = ForecastBatch.objects.filter(forecast=OuterRef("pk"), state=State.RUNNING)
    unheard = live.filter(~Exists(in_work), state=State.QUEUED, requested_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    work.ring(TASK, pks)
    return len(pks)
