"""Notices of better slots: counted, marked as read, and sent by e-mail where that is set up.

A notice stands in the pages from the start: a mail server that fails costs its e-mail alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from planner import work
from planner.models import Notice
from tracker.models import Actor

TASK = "planner.tasks.mail_notice"
STALE = timedelta(minutes=2)  # after which a claim is taken for lost
UNHEARD = timedelta(minutes=5)  # until it is tried again, after a failure too

log = logging.getLogger(__name__)
State = Notice.State


def ring(pks: Iterable[int]) -> None:
    """For the poll workers: a mail server that hangs must not keep forecasts waiting."""
    for pk in pks:
        transaction.on_commit(
            lambda pk=pk: current_app.send_task(TASK, [pk], queue="poll"), robust=True
        )


def notices_of(actor: Actor) -> QuerySet[Notice]:
    return Notice.objects.filter(watch__user=actor.user).select_related("watch__cluster")


def unread(actor: Actor) -> int:
    return notices_of(actor).filter(read_at=None).count()


def mark_read(notices: QuerySet[Notice], now: datetime) -> int:
    return notices.filter(read_at=None).update(read_at=now)


def send(pk: int) -> bool:
    """The e-mail of one notice, if nobody else sends it."""
    notice = work.claim(Notice, pk)
    if notice is None:
        return False
    try:
        _mail(notice).send()
    except Exception as error:  # a server's refusal, a name that is not known, a time-out
        log.exception("%s cannot be sent to %s", notice, notice.mail_to)
        is_last = notice.tries >= work.MAX_TRIES
        state = State.FAILED if is_last else State.QUEUED
        work.close(notice, state=state, error=f"{type(error).__name__}: {error}")
        return False
    work.close(notice, state=State.DONE, error="")
    return True


def _mail(notice: Notice) -> EmailMessage:
    watches = f"{settings.PUBLIC_URL}{reverse('watches')}" if settings.PUBLIC_URL else ""
    text = render_to_string("planner/notice.txt", {"notice": notice, "watches": watches})
    return EmailMessage(
        subject=f"A better slot on {notice.watch.cluster}: {notice.where}",
        body=text,
        to=[notice.mail_to],
        # No answers from machines: neither from one that is on holiday, nor from one that is none.
        headers={"Auto-Submitted": "auto-generated"},
    )


def sweep(now: datetime) -> int:
    """Ring again for what waits unheard, was left half done or failed before; how many."""
    work.recover(Notice.objects.all(), claimed_before=now - STALE, now=now)
    waiting = Notice.objects.filter(state=State.QUEUED)
    heard_lately = waiting.filter(claimed_at__gt=now - UNHEARD)
    unheard = waiting.filter(made_at__lt=now - UNHEARD).exclude(pk__in=heard_lately)
    pks = list(unheard.values_list("pk", flat=True))
    ring(pks)
    return len(pks)
