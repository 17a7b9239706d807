"""Forecasts as work: asked for when the queue was read anew, claimed by one worker, done or failed.

The row is the truth, the message only a doorbell: a lost one is rung again by the sweep. Light
enough for every process; the simulator is loaded by the worker that computes.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from planner.models import Forecast
from tracker.models import Cluster, Poll

MAX_TRIES = 3
MAX_DUTY = 0.1  # share of one core that forecasts of a cluster may take
STALE = timedelta(minutes=10)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=60)  # after which a doorbell is rung again
KEEP = timedelta(days=1)
TASK = "planner.tasks.compute_forecast"

log = logging.getLogger(__name__)
State = Forecast.State


def request_due(now: datetime) -> list[int]:
    """A row for each followed cluster whose queue was read since its last forecast; their ids."""
    followed = Cluster.objects.filter(polling_paused=False)
    return [_request(cluster, now).pk for cluster in followed if _is_due(cluster, now)]


def _is_due(cluster: Cluster, now: datetime) -> bool:
    polls = Poll.objects.filter(cluster=cluster, command="squeue", ok=True)
    read_at = polls.values_list("started_at", flat=True).first()
    last = cluster.forecasts.first()
    if read_at is None or (last is not None and last.state in (State.QUEUED, State.RUNNING)):
        return False
    if last is None:
        return True
    if now - last.requested_at < timedelta(seconds=(last.cpu_s or 0.0) / MAX_DUTY):
        return False
    done = cluster.forecasts.filter(state=State.DONE).first()
    return done is None or done.snapshot_at is None or read_at > done.snapshot_at


def _request(cluster: Cluster, now: datetime) -> Forecast:
    row = Forecast.objects.create(cluster=cluster, requested_at=now)
    _ring(row.pk)
    return row


def _ring(pk: int) -> None:
    transaction.on_commit(lambda: current_app.send_task(TASK, [pk], queue="compute"))


def compute(pk: int) -> bool:
    """Make and publish one forecast, if nobody else does; whether it was ours."""
    claimed = Forecast.objects.filter(pk=pk, state=State.QUEUED).update(
        state=State.RUNNING, claimed_at=timezone.now(), tries=F("tries") + 1
    )
    if not claimed:
        return False
    row = Forecast.objects.select_related("cluster").get(pk=pk)
    began_cpu_s = time.process_time()
    try:
        told = _issue(row)
    except Exception as error:  # whatever it is: staff must see it, and the worker go on
        log.exception("forecast %s of %s", pk, row.cluster)
        told = {
            "state": State.FAILED if row.tries >= MAX_TRIES else State.QUEUED,
            "error": f"{type(error).__name__}: {error}",
        }
    told["cpu_s"] = time.process_time() - began_cpu_s
    Forecast.objects.filter(pk=pk, state=State.RUNNING, tries=row.tries).update(
        finished_at=timezone.now(), **told
    )
    return True


def _issue(row: Forecast) -> dict[str, Any]:
    # Here and not above: the beat and the poll workers import this module too.
    from planner.forecasts import issue

    made = issue(row.cluster, replicas=row.replicas, seed=row.seed, horizon_s=row.horizon_s)
    return {
        "state": State.DONE,
        "snapshot_at": made.snapshot_at,
        "replicas": made.replicas,
        "jobs": len(made.jobs),
        "error": "",
    }


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    Forecast.objects.filter(requested_at__lt=now - KEEP).delete()
    lost = Forecast.objects.filter(state=State.RUNNING, claimed_at__lt=now - STALE)
    lost.filter(tries__gte=MAX_TRIES).update(
        state=State.FAILED,
        finished_at=now,
        error=f"The worker was lost {MAX_TRIES} times; see its log, and the memory it may use.",
    )
    lost.filter(tries__lt=MAX_TRIES).update(state=State.QUEUED)
    unheard = Forecast.objects.filter(state=State.QUEUED, requested_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    for pk in pks:
        _ring(pk)
    return len(pks)
