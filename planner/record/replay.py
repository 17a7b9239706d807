"""Forecasts of past instants: made now, from the polls that were stored by then and nothing newer.

They are rows of the forecast queue with a time of their own, and enter the record beside those
that were made in time. They come last: one at a time, while nobody waits for something newer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import current_app
from django.db import transaction
from django.db.models import Q, QuerySet

from planner.forecasting import forecast_batches, forecast_queue
from planner.forecasting.forecast_batches import OPEN, State
from planner.models import Forecast, ForecastBatch, Question
from tracker import polling
from tracker.models import Cluster, StartEstimate
from tracker.polling.outputs import newest_window

REPLICAS = 4  # enough where many forecasts are judged together
DUTY = 0.5  # share of one core that replays may take
# One that could not be made by then is given up, and the polls that it needs are let go.
GIVE_UP = timedelta(days=7)
TASK = "planner.tasks.replay_next"


@transaction.atomic
def ask(cluster: Cluster, instants: Iterable[datetime], now: datetime) -> int:
    """Have a forecast made as of each instant that has none yet; how many that are.

    Whether the polls of those times are there shows when it is made; from now on they are kept.
    """
    wanted = set(instants)
    rows = [
        Forecast(cluster=cluster, requested_at=now, as_of=at, replicas=REPLICAS)
        for at in sorted(wanted - _made(cluster, wanted))
    ]
    Forecast.objects.bulk_create(rows, batch_size=500)
    if rows:
        polling.hold(cluster, now + GIVE_UP)
    return len(rows)


def _made(cluster: Cluster, instants: set[datetime]) -> set[datetime]:
    """Those that still wait, or have left their estimates."""
    if not instants:
        return set()
    span = (min(instants), max(instants))
    asked = cluster.forecasts.filter(as_of__range=span, state__in=OPEN)
    said = StartEstimate.objects.filter(
        job__cluster=cluster, is_replayed=True, issued_at__range=span
    )
    return {
        *asked.order_by().values_list("as_of", flat=True),
        *said.order_by().values_list("issued_at", flat=True).distinct(),
    }


def progress(cluster: Cluster) -> tuple[int, int]:
    """Replays finished, well or badly, of those asked for; both 0 once all are forgotten."""
    replays = _replays().filter(cluster=cluster)
    return replays.exclude(state__in=OPEN).count(), replays.count()


def ring(after_s: float = 0.0) -> None:
    """Tell a compute worker that there may be something to replay."""
    transaction.on_commit(lambda: current_app.send_task(TASK, countdown=after_s), robust=True)


def ring_if_any() -> None:
    """For the beat: begin, or go on after a pause. A live forecast that was rung for just before
    is not in the way: it is done by the time this bell is heard."""
    if _replays().filter(state=State.QUEUED).exists():
        ring()


def replay_next(now: datetime) -> bool:
    """Make the replay that is due, and ring for the next after a rest; whether there was one."""
    row = _next(now)
    if row is None or not forecast_batches.compute(row.pk):
        return False
    if _replays().filter(state=State.QUEUED).exists():
        row.refresh_from_db()
        ring(after_s=_rest(row).total_seconds())
    return True


def sweep(now: datetime) -> None:
    """Forget replays that are done, when none of their cluster is still to be made, and those that
    could not be made for long."""
    _replays().filter(requested_at__lt=now - GIVE_UP).delete()
    busy = _replays().filter(state__in=OPEN).values("cluster")
    done = _replays().filter(requested_at__lt=now - forecast_queue.KEEP)
    done.exclude(cluster__in=busy).delete()


def _replays() -> QuerySet[Forecast]:
    return Forecast.objects.filter(as_of__isnull=False)


def _next(now: datetime) -> Forecast | None:
    """The oldest instant first: a milestone belongs to the first estimate that reaches it."""
    waiting = _replays().filter(state=State.QUEUED)
    if not waiting.exists() or _is_something_newer_wanted() or _rests(now):
        return None
    for cluster in Cluster.objects.filter(forecasts__in=waiting).distinct():
        if _owes_the_first(cluster):
            continue
        # The jobs that waited then must be rows: accounting tells of them, once it has been read.
        accounted = newest_window(cluster)
        if accounted is None:
            continue
        known = waiting.filter(cluster=cluster, as_of__lte=accounted.started_at)
        if row := known.order_by("as_of").first():
            return row
    return None


def _owes_the_first(cluster: Cluster) -> bool:
    """Whether of a followed cluster nothing has been told of now: people wait for that."""
    live = cluster.forecasts.filter(as_of=None)
    return not cluster.polling_paused and not live.exclude(state__in=OPEN).exists()


def _is_something_newer_wanted() -> bool:
    queued = Q(state=State.QUEUED)
    return (
        Forecast.objects.filter(queued, as_of=None).exists()
        or Question.objects.filter(queued).exists()
    )


def _rests(now: datetime) -> bool:
    """Whether one is being made, or the last was made so lately that the share is used up."""
    of_replays = ForecastBatch.objects.filter(forecast__as_of__isnull=False)
    if any(rows.filter(state=State.RUNNING).exists() for rows in (of_replays, _replays())):
        return True
    last = _replays().exclude(finished_at=None).order_by("-finished_at").first()
    return last is not None and now < last.finished_at + _rest(last)


def _rest(row: Forecast) -> timedelta:
    """After a replay: so long that it took no more than the share allows."""
    return timedelta(seconds=(row.cpu_s or 0.0) * (1 / DUTY - 1))
