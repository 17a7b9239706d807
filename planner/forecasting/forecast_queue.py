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
HOUR = timedelta(hours=1)  # in whose mean they keep to it
CHEAP = timedelta(minutes=2)  # MANY replicas each time, if that share allows it so often;
MANY_EVERY = timedelta(minutes=30)  # else now and then
LONGEST_REST = timedelta(minutes=10)  # while the hour's share has room
# That forecasts stay so young, with a tenth to spare: dear queues are looked at less far ahead.
AFFORDED_S = 0.9 * MAX_DUTY * HOUR.total_seconds() / (2 * MANY + 4 * FEW)  # of a replica
LONGEST_AHEAD_S, LEAST_AHEAD_S = 86_400, 6 * 3600
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
    rest = _rest(last.cpu_s or 0.0)
    if now - last.requested_at >= rest:
        return True
    is_old = now - last.requested_at >= LONGEST_REST
    return (is_old or _is_hurried(cluster)) and _has_room(cluster, now)


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
    return bool(spent["s"] + for_s < MAX_DUTY * HOUR.total_seconds())


def _live(cluster: Cluster) -> QuerySet[Forecast]:
    """Newest first, without replays: those of the past tell nothing of now."""
    return cluster.forecasts.filter(as_of=None)


def _rest(cpu_s: float) -> timedelta:
    """From one request to the next, for work of so much to keep to its share."""
    return timedelta(seconds=cpu_s / MAX_DUTY)


def _request(cluster: Cluster, now: datetime) -> Forecast:
    replica_s, ahead_s = _last_cost(cluster)
    row = Forecast.objects.create(
        cluster=cluster,
        requested_at=now,
        replicas=_affordable(cluster, now, replica_s),
        horizon_s=_look_ahead_s(replica_s, ahead_s),
    )
    work.ring(TASK, [row.pk])
    return row


def _last_cost(cluster: Cluster) -> tuple[float | None, int]:
    """CPU seconds that a replica of the last forecast took, None: not known; and how far it looked
    ahead."""
    last = Forecast.newest_made(cluster)
    made = last and last.batches.filter(state=State.DONE).aggregate(n=Sum("replicas"))["n"]
    if not last or not made or last.cpu_s is None:
        return None, LONGEST_AHEAD_S
    return last.cpu_s / made, last.horizon_s


def _affordable(cluster: Cluster, now: datetime, replica_s: float | None) -> int:
    """Replicas, by what those of the last forecast took."""
    if replica_s is None:
        return FEW
    if _rest(replica_s * MANY) <= CHEAP:
        return MANY
    had_many = _live(cluster).filter(replicas=MANY, requested_at__gt=now - MANY_EVERY).exists()
    return MANY if not had_many and _has_room(cluster, now, replica_s * MANY) else FEW


def _look_ahead_s(replica_s: float | None, ahead_s: int) -> int:
    """In whole hours: what a replica takes grows about as that of the last one did."""
    if not replica_s:
        return LONGEST_AHEAD_S
    afforded_s = ahead_s * AFFORDED_S / replica_s
    return int(min(LONGEST_AHEAD_S, max(LEAST_AHEAD_S, afforded_s - afforded_s % 3600)))


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
