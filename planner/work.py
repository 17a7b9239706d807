"""The planner's rows as work, as ``tracker.work`` has it, and the doorbell of its workers.

The row is the truth, the message to the worker only a doorbell. Light enough for every process.
"""

from __future__ import annotations

from collections.abc import Iterable

from celery import current_app
from django.db import transaction

from tracker.work import MAX_TRIES, claim, close, recover

__all__ = ["MAX_TRIES", "claim", "close", "recover", "ring"]


def ring(task: str, pks: Iterable[int]) -> None:
    """Tell the workers of these rows, once they are committed.

    A broker that is down costs a sweep's interval and a line in the log, and no one's request.
    """
    for pk in pks:
        transaction.on_commit(lambda pk=pk: current_app.send_task(task, [pk]), robust=True)
