"""Forecasts as work: asked for when the queue was read anew, and made one at a time.

Light enough for every process; the simulator is loaded by the worker that computes.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from planner import work
from planner.models import Forecast
from planner.questions import queue_read_at
from tracker.models import Cluster

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
    read_at = queue_read_at(cluster)
    live = cluster.forecasts.filter(as_of=None)  # replays of the past tell nothing of now
    last = live.first()
    if read_at is None:
        return False
    if last is None:
        return True
    if last.is_open or now - last.requested_at < timedelta(seconds=(last.cpu_s or 0.0) / MAX_DUTY):
        return False
    done = live.filter(state=State.DONE).first()
    return done is None or done.snapshot_at is None or read_at > done.snapshot_at


def _request(cluster: Cluster, now: datetime) -> Forecast:
    row = Forecast.objects.create(cluster=cluster, requested_at=now)
    work.ring(TASK, [row.pk])
    return row


def compute(pk: int) -> bool:
    """Make and publish one forecast, if nobody else does; whether it was ours."""
    row = work.claim(Forecast, pk)
    if row is None:
        return False
    began_cpu_s = time.process_time()
    try:
        told = _issue(row)
    except Exception as error:  # whatever it is: staff must see it, and the worker go on
        log.exception("forecast %s of %s", pk, row.cluster)
        told = {
            "state": State.FAILED if row.tries >= work.MAX_TRIES else State.QUEUED,
            "error": f"{type(error).__name__}: {error}",
        }
    work.close(row, cpu_s=time.process_time() - began_cpu_s, **told)
    return True


def _issue(row: Forecast) -> dict[str, Any]:
    # Here and not above: the beat and the poll workers import this module too.
    from planner.issuing import issue

    issued = issue(
        row.cluster,
        replicas=row.replicas,
        seed=row.seed,
        horizon_s=row.horizon_s,
        as_of=row.as_of,
    )
    made = issued.forecast
    return {
        "state": State.DONE,
        "snapshot_at": made.snapshot_at,
        "replicas": made.replicas,
        "jobs": len(made.jobs),
        "input_ages_s": issued.input_ages_s,
        "error": "",
    }


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    live = Forecast.objects.filter(as_of=None)  # planner.replay rings for the others
    live.filter(requested_at__lt=now - KEEP).delete()
    work.recover(Forecast.objects.all(), claimed_before=now - STALE, now=now)
    unheard = live.filter(state=State.QUEUED, requested_at__lt=now - UNHEARD)
    pks = list(unheard.values_list("pk", flat=True))
    work.ring(TASK, pks)
    return len(pks)
