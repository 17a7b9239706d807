"""Learning as work: once a day, or sooner while the record grows quickly.

Light enough for every process; scikit-learn is loaded by the worker that learns.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from planner.models import Learnt, StartFeatures
from tracker import work
from tracker.models import Cluster, StartEstimate

EVERY = timedelta(days=1)
SOONEST = timedelta(hours=1)
GROWN = 1.2  # times the starts of the last time: worth to learn anew before the day is over
FEWEST = 300  # starts to learn from
WINDOW = timedelta(days=30)  # of the record, see planner.forecasting.told_record
# A start counts minutes later, see planner.record.scoring: what is settled stays, and a version
# that is grown again later rests on the same rows.
SETTLED = timedelta(minutes=10)
STALE = timedelta(minutes=30)  # after which a claim is taken for lost
UNHEARD = timedelta(seconds=60)  # after which a doorbell is rung again
KEEP = timedelta(days=30)  # replays ask for the version of their day
TASK = "planner.tasks.learn"

log = logging.getLogger(__name__)
State = Learnt.State


def request_due(now: datetime) -> list[int]:
    """A row for each followed cluster whose record has something new to teach; their ids."""
    due = [one for one in Cluster.objects.filter(polling_paused=False) if _is_due(one, now)]
    pks = [Learnt.objects.create(cluster=one, requested_at=now).pk for one in due]
    work.ring(TASK, pks)
    return pks


def _is_due(cluster: Cluster, now: datetime) -> bool:
    last = cluster.learnt.first()
    if last is not None and (last.is_open or now - last.requested_at < SOONEST):
        return False
    is_daily = last is None or now - last.requested_at >= EVERY
    needed = FEWEST if last is None or is_daily else max(FEWEST, GROWN * last.starts)
    started = StartFeatures.objects.filter(
        estimate__job__cluster=cluster,
        estimate__issued_at__gt=now - WINDOW,
        estimate__outcome=StartEstimate.Outcome.STARTED,
    )
    return started.count() >= needed


def run(pk: int) -> bool:
    """Learn, if nobody else does; whether it was ours. For the compute worker."""
    row = work.claim(Learnt, pk)
    if row is None:
        return False
    try:
        told = _learn(row.cluster, timezone.now() - SETTLED)
    except Exception as error:  # whatever it is: staff must see it, and the worker go on
        log.exception("learning of %s", row.cluster)
        told = {"state": State.FAILED, "error": f"{type(error).__name__}: {error}"}
    work.close(row, **told)
    return True


def _learn(cluster: Cluster, at: datetime) -> dict[str, Any]:
    # Here and not above: the beat and the web processes import this module too.
    from planner.learnt.learner import learn
    from planner.learnt.learning_record import newest_digest

    names_digest = newest_digest(cluster, at)
    starts, losses = learn(cluster, at, names_digest, fewest=FEWEST)
    return {
        "state": State.DONE,
        "snapshot_at": at,
        "names_digest": names_digest,
        "starts": starts,
        "losses": losses,
        "error": "",
    }


def sweep(now: datetime) -> None:
    """Ring again for what waits unheard or was left half done, and forget what is old."""
    Learnt.objects.filter(requested_at__lt=now - KEEP).delete()
    work.recover(Learnt.objects.all(), claimed_before=now - STALE, now=now)
    unheard = Learnt.objects.filter(state=State.QUEUED, requested_at__lt=now - UNHEARD)
    work.ring(TASK, unheard.values_list("pk", flat=True))
