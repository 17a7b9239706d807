"""Rows as work: claimed by one worker, done or failed, and put back when the worker was lost.

The row is the truth, the message to the worker only a doorbell. Light enough for every process.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from celery import current_app
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from tracker.models.work import Work

MAX_TRIES = 3

Row = TypeVar("Row", bound=Work)
State = Work.State


def claim(model: type[Row], pk: int, *only_if: Any) -> Row | None:
    """The row, which is RUNNING now and ours; None if it was not waiting any more."""
    claimed = model.objects.filter(*only_if, pk=pk, state=State.QUEUED).update(
        state=State.RUNNING, claimed_at=timezone.now(), tries=F("tries") + 1
    )
    return model.objects.get(pk=pk) if claimed else None


def ring(task: str, pks: Iterable[int]) -> None:
    """Tell the workers of these rows, once they are committed.

    A broker that is down costs a sweep's interval and a line in the log, and no one's request.
    """
    for pk in pks:
        transaction.on_commit(lambda pk=pk: current_app.send_task(task, [pk]), robust=True)


def close(row: Work, **outcome: Any) -> None:
    """Write the outcome, unless the claim was taken for lost meanwhile."""
    ours = type(row).objects.filter(pk=row.pk, state=State.RUNNING, tries=row.tries)
    ours.update(finished_at=timezone.now(), **outcome)


def recover(rows: QuerySet[Row], *, claimed_before: datetime, now: datetime) -> None:
    """Let rows that a worker claimed and never closed wait again, or fail after the last try."""
    lost = rows.filter(state=State.RUNNING, claimed_at__lt=claimed_before)
    lost.filter(tries__gte=MAX_TRIES).update(
        state=State.FAILED,
        finished_at=now,
        error=f"The worker was lost {MAX_TRIES} times; see its log, and the memory it may use.",
    )
    lost.filter(tries__lt=MAX_TRIES).update(state=State.QUEUED)
