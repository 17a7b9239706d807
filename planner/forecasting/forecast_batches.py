"""Forecasts made: batches of replicas, each a row that one worker claims, then published.

A forecast waits while batches of it are open; whoever finds none open any more publishes it. All
its batches know the same facts, dated when the first is begun. Safe to run twice, late, or by
several workers at once.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from planner.forecasting import stored_futures
from planner.forecasting.cadence import FEW
from planner.models import Forecast, ForecastBatch, Work
from tracker import work

if TYPE_CHECKING:
    from planner.ensemble import Starts
    from planner.forecasting.known import Known

BATCH = 4  # replicas that a worker makes between two looks at what else is wanted
HOLDS_FOR = timedelta(minutes=10)  # what was said, while nothing happens
TASK = "planner.tasks.compute_forecast"

log = logging.getLogger(__name__)
State = Work.State
OPEN = (State.QUEUED, State.RUNNING)


def compute(pk: int) -> bool:
    """Make batches of a forecast until none waits, and publish it if no other worker is at it
    still; whether anything was ours."""
    row = _begun(pk)
    if row is None:
        return False
    known: Known | None = None
    was_ours = False
    while (batch := _next_batch(row)) is not None:
        was_ours = True
        began_cpu_s = time.process_time()
        try:
            known = known or _known(row)
            if _still_holds(row, known):
                row.batches.all().delete()
                continue
            work.close(batch, **_make(row, batch, known))
            _look_at_progress(row, known)
        except Exception as error:  # whatever it is: staff must see it, and the worker go on
            log.exception("%s", batch)
            told = _failed(batch, error)
            work.close(batch, **told)
            if told["state"] == State.QUEUED:
                break  # the next bell comes when things may have changed
        finally:
            cpu_s = time.process_time() - began_cpu_s
            ForecastBatch.objects.filter(pk=batch.pk).update(cpu_s=cpu_s)
    return _publish(row, known) or was_ours


def _begun(pk: int) -> Forecast | None:
    """The forecast with its batches, if it is still to be made."""
    waiting = Forecast.objects.filter(pk=pk, state=State.QUEUED)
    with transaction.atomic():
        facts_at = Coalesce("as_of", timezone.now())
        is_first = waiting.filter(facts_at=None).update(facts_at=facts_at)
        row = waiting.select_related("cluster").first()
        if row is not None and is_first:
            _add_batches(row)
    return row


def _add_batches(row: Forecast) -> None:
    firsts = range(0, row.replicas, BATCH)
    ForecastBatch.objects.bulk_create(
        ForecastBatch(forecast=row, first_replica=first, replicas=min(BATCH, row.replicas - first))
        for first in firsts
    )
    if row.as_of is None:  # replays take no second worker
        work.ring(TASK, [row.pk] * (len(firsts) - 1))


def _next_batch(row: Forecast) -> ForecastBatch | None:
    """Ours now. None is left once one has failed for good: the others would."""
    if row.batches.filter(state=State.FAILED).exists():
        _leave_out_the_rest(row)
    for pk in row.batches.filter(state=State.QUEUED).values_list("pk", flat=True):
        if (batch := work.claim(ForecastBatch, pk)) is not None:
            return batch
    return None


def _known(row: Forecast) -> Known:
    # Here and not above: the beat and the poll workers import this module too.
    from planner.forecasting.known import Known

    return Known.of(row.cluster, row.facts_at or timezone.now())


def _still_holds(row: Forecast, known: Known) -> bool:
    """Whether nothing has happened since the forecast before, and that was lately."""
    before = Forecast.newest_made(row.cluster)
    return (
        row.as_of is None
        and before is not None
        and before.facts_digest == known.digest
        and before.facts_at is not None
        and known.at - before.facts_at < HOLDS_FOR
    )


def _make(row: Forecast, batch: ForecastBatch, known: Known) -> dict[str, Any]:
    from planner import futures
    from planner.ensemble import paced_interval_s, run_batch
    from planner.forecasting import stored_starts

    told = {"state": State.DONE, "error": "", "snapshot_at": known.snapshot.taken_at}
    first, last = batch.first_replica, batch.first_replica + batch.replicas
    # None asks what to do in the past.
    is_kept = row.as_of is None and first < stored_futures.MOST
    if is_blank := known.past.is_blank:  # nothing is drawn: one plan says it all
        last = min(last, 1) if is_kept else first
    made: list[futures.Future] = []
    starts = run_batch(
        known.snapshot.world,
        known.past,
        seed=row.seed,
        replicas=range(first, last),
        horizon_s=row.horizon_s,
        bf_interval_s=paced_interval_s(known.snapshot.world),
        on_future=made.append if is_kept else None,
    )
    if made:
        told["futures"] = futures.pack(made)
    return told if is_blank else {**told, "starts": stored_starts.pack(starts)}


def _failed(claimed: Work, error: Exception) -> dict[str, Any]:
    return {
        "state": State.FAILED if claimed.tries >= work.MAX_TRIES else State.QUEUED,
        "error": f"{type(error).__name__}: {error}",
    }


def _look_at_progress(row: Forecast, known: Known) -> None:
    """Tell what the first replicas say; leave out the rest once they would change nothing."""
    from planner.ensemble import is_stable
    from planner.forecasting.forecasts import answers
    from planner.forecasting.issuing import publish_first

    if not row.batches.filter(state__in=OPEN).exists():
        return
    starts = _stored(row)
    if starts is None or (starts.replicas >= FEW and is_stable(starts)):
        _leave_out_the_rest(row)
    elif starts.replicas <= BATCH and row.as_of is None:
        made = answers(known.snapshot, starts, row.horizon_s)
        publish_first(known, made, timezone.now())


def _leave_out_the_rest(row: Forecast) -> None:
    row.batches.filter(state=State.QUEUED).delete()


def _stored(row: Forecast) -> Starts | None:
    """Of all batches so far, joined; None: nothing was drawn."""
    from planner.ensemble import joined
    from planner.forecasting.stored_starts import of_same_jobs, unpack

    made = row.batches.filter(state=State.DONE).exclude(starts=None)
    batches = [unpack(bytes(packed)) for packed in made.values_list("starts", flat=True)]
    return joined(of_same_jobs(batches)) if batches else None


def _publish(row: Forecast, known: Known | None) -> bool:
    """If no batch is open, and nobody else does."""
    is_open = Exists(ForecastBatch.objects.filter(forecast=row.pk, state__in=OPEN))
    ours = work.claim(Forecast, row.pk, ~is_open)
    if ours is None:
        return False
    began_cpu_s = time.process_time()
    try:
        told = _published(ours, known)
    except Exception as error:
        log.exception("%s", ours)
        told = _failed(ours, error)
    cpu_s = row.batches.aggregate(s=Sum("cpu_s", default=0.0))["s"]
    work.close(ours, cpu_s=cpu_s + time.process_time() - began_cpu_s, **told)
    row.batches.exclude(forecast__state__in=OPEN).update(starts=None)
    stored_futures.keep_newest(row.cluster)
    return True


def _published(row: Forecast, known: Known | None) -> dict[str, Any]:
    from planner.forecasting.forecasts import answers, forecast
    from planner.forecasting.issuing import publish

    starts = _stored(row)
    if starts is None and (failed := row.batches.filter(state=State.FAILED).first()):
        return {"state": State.FAILED, "error": failed.error}
    known = known or _known(row)
    issued_at = row.as_of or timezone.now()
    if row.batches.exists():
        if starts is None:
            made = forecast(known.snapshot, horizon_s=row.horizon_s)
        else:
            made = answers(known.snapshot, starts, row.horizon_s)
        publish(known, made, issued_at, is_replayed=row.as_of is not None)
    return {
        "state": State.DONE,
        "snapshot_at": known.snapshot.taken_at,
        "facts_digest": known.digest,
        "jobs": len(known.snapshot.pending),
        "input_ages_s": known.ages_s(issued_at),
        "error": "",
    }
