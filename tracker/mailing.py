"""E-mails of notices, where that is set up.

A notice stands in the pages from the start: a mail server that fails costs its e-mail alone.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from tracker import work
from tracker.models import Notice

GATHERED_FOR = timedelta(minutes=1)  # so that runs that end together are one e-mail
STALE = timedelta(minutes=2)  # after which a claim is taken for lost
REST = timedelta(minutes=5)  # after a failure, until it is tried again

log = logging.getLogger(__name__)
State = Notice.State


def send_due(now: datetime) -> int:
    """The e-mails that wait, oldest first; how many went. Over at the first that fails: a server
    that is away is away for all, and a beat comes soon."""
    work.recover(Notice.objects.all(), claimed_before=now - STALE, now=now)
    went = 0
    for pk in due(now):
        if not send(pk):
            break
        went += 1
    return went


def due(now: datetime) -> list[int]:
    waiting = Notice.objects.filter(state=State.QUEUED)
    gathering = waiting.filter(experiment__isnull=False, made_at__gt=now - GATHERED_FOR)
    failed_lately = waiting.filter(claimed_at__gt=now - REST)
    waiting = waiting.exclude(pk__in=gathering).exclude(pk__in=failed_lately)
    return list(waiting.order_by("made_at").values_list("pk", flat=True))


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
    link = f"{settings.PUBLIC_URL}{notice.path}" if settings.PUBLIC_URL else ""
    return EmailMessage(
        subject=" ".join(notice.title.split()),  # of one line, whatever a run is named
        body=render_to_string("tracker/notice.txt", {"notice": notice, "link": link}),
        to=[notice.mail_to],
        # No answers from machines: neither from one that is on holiday, nor from one that is none.
        headers={"Auto-Submitted": "auto-generated"},
    )
