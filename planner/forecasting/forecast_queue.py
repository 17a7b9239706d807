"""Forecasts as work: asked for once the queue was read anew, each a row.

``planner.forecasting.forecast_batches`` makes them. Light enough for every process.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet, Sum

from planner.forecasting.cadence import (
    FEW,
    HOUR_S,
    LONGEST_AHEAD_S,
    MANY,
    OLDEST_S,
    PLANNED_DUTY,
    Cost,
    look_ahead_s,
)
from planner.forecasting.forecast_batches import TASK, State
from planner.forecasting.newest import queue_read_at
from planner.models import Forecast, ForecastBatch
from tracker import work
from tracker.models import Cluster, Job, StartEstimate

HOUR = timedelta(seconds=HOUR_S)
CHEAP = timedelta(minutes=2)  # MANY replicas each time, if their share allows it so often
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
    if now - last.requested_at >= _rest(last.cpu_s or 0.0):
        return True
    return (_is_old(last, now) or _is_hurried(cluster)) and _has_room(cluster, now)


def _is_old(last: Forecast, now: datetime) -> bool:
    """Whether the next is there in time only if it is begun now."""
    cost = _last_cost(last.cluster)
    replicas = _affordable(last.cluster, now, cost)
    due_s = cost.due_s(replicas) if cost else OLDEST_S
    return (now - _known_at(last)).total_seconds() >= due_s


def _is_hurried(cluster: Cluster) -> bool:
    """Whether a job started here waits of which nothing was said."""
    said = StartEstimate.objects.filter(
        job=OuterRef("pk"), submit_at=OuterRef("submit_at"), is_replayed=False
    )
    waiting = Job.objects.filter(cluster=cluster, in_queue=True, start_at=None)
    return waiting.filter(~Exists(said), runs__isnull=False).exists()


def _has_room(cluster: Cluster, now: datetime, for_s: float = 0.0) -> bool:
    """Whether the hour's share leaves more than so much CPU time."""
    spent = _live(cluster).filter(requested_at__gt=now - HOUR).aggregate(s=Sum("cpu_s", default=0))
    return bool(spent["s"] + for_s < PLANNED_DUTY * HOUR.total_seconds())


def _live(cluster: Cluster) -> QuerySet[Forecast]:
    """Newest first, without replays: those of the past tell nothing of now."""
    return cluster.forecasts.filter(as_of=None)


def _rest(cpu_s: float) -> timedelta:
    """From one request to the next, for work of so much to keep to its share."""
    return timedelta(seconds=cpu_s / PLANNED_DUTY)


def _known_at(forecast: Forecast) -> datetime:
    return forecast.facts_at or forecast.requested_at


def _request(cluster: Cluster, now: datetime) -> Forecast:
    cost = _last_cost(cluster)
    row = Forecast.objects.create(
        cluster=cluster,
        requested_at=now,
        replicas=_affordable(cluster, now, cost),
        horizon_s=look_ahead_s(cost) if cost else LONGEST_AHEAD_S,
    )
    work.ring(TASK, [row.pk])
    return row


def _last_cost(cluster: Cluster) -> Cost | None:
    """Of a replica of the last forecast; None: not known."""
    last = Forecast.newest_made(cluster)
    made = last and last.batches.filter(state=State.DONE).aggregate(n=Sum("replicas"))["n"]
    if not last or not made or not last.cpu_s or not last.finished_at:
        return None
    wall_s = (last.finished_at - _known_at(last)).total_seconds()
    return Cost(last.cpu_s / made, wall_s / made, last.horizon_s)


def _affordable(cluster: Cluster, now: datetime, cost: Cost | None) -> int:
    """Replicas of the next forecast, by what those of the last one took."""
    if cost is None:
        return FEW
    if _rest(cost.cpu_s * MANY) <= CHEAP:
        return MANY
    live = _live(cluster)
    last, last_of_many = live.first(), live.filter(replicas=MANY).first()
    if last and last_of_many:
        since_many = _known_at(last) - _known_at(last_of_many)
        if not cost.many_next(since_many.total_seconds()):
            return FEW
    return MANY if _has_room(cluster, now, cost.cpu_s * MANY) else FEW


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
