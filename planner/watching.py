"""Watches: "tell me when a better slot opens". Each forecast looks for all of a cluster.

A look fits the job into the futures that the forecast keeps, which takes milliseconds; nothing is
simulated for it. Begun by the web, looked at by the compute worker.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from planner import noticing, questions, work
from planner.better_slot import LEAST, News, Wish, better_by, news_of
from planner.models import Forecast, Notice, Question, Watch
from planner.request import Request
from planner.told_option import ToldOption, best_of
from tracker.models import Actor, Cluster

MAX_LIVE = 20  # of one user
LASTS = timedelta(days=7)
KEEP = timedelta(days=30)  # after its end, for the list
BUDGET_S = 20.0  # after a forecast: the requests that are left come first after the next
AT_ONCE = 20  # requests, between two looks at the clock
MAX_WITHIN_MINUTES = 7 * 24 * 60
TASK = "planner.tasks.look_first"

log = logging.getLogger(__name__)


class WatchRefusedError(ValueError):
    """There is nothing to watch for; the message says why and what would do."""


def begin(actor: Actor, question: Question, within_minutes: int | None, now: datetime) -> Watch:
    """Watch for a better slot than the question's answer: one that starts sooner than promised, or
    at most so many minutes after it is told of. The same wish again is the same watch."""
    promised = _promised(question)
    live = live_of(actor, now)
    same = live.filter(request_sha256=question.request_sha256, cluster=question.cluster)
    if (known := same.filter(within_minutes=within_minutes).first()) is not None:
        return known
    if live.count() >= MAX_LIVE:
        raise WatchRefusedError(f"You have {MAX_LIVE} watches; cancel one to begin another.")
    snapshot_at = question.snapshot_at or now
    wish = _wish(promised, within_minutes, snapshot_at, now, question.answer["horizon_s"])
    expires_at = min(now + LASTS, wish.better_by_at or now + LASTS)
    watch = Watch.objects.create(
        user=actor.user,
        cluster=question.cluster,
        request=question.request,
        request_sha256=question.request_sha256,
        made_at=now,
        expires_at=expires_at,
        promised_where=promised.where,
        promised_p50_at=promised.p50_at,
        promised_p90_at=promised.p90_at,
        better_by_at=wish.better_by_at,
        within_minutes=within_minutes,
        is_settled=promised.approximate or within_minutes is not None,
        checked_at=snapshot_at,
        best_where=promised.where,
        best_p50_at=promised.p50_at,
        best_p90_at=promised.p90_at,
    )
    if not watch.is_settled:
        work.ring(TASK, [watch.pk])
    return watch


def _promised(question: Question) -> ToldOption:
    if question.answer is None or question.snapshot_at is None:
        raise WatchRefusedError("The question is not answered yet; ask for a watch when it is.")
    best = best_of(question.answer, question.snapshot_at)
    if best is None:
        raise WatchRefusedError(
            "No option of the answer has a start, so there is none to be better than; change the "
            "request."
        )
    return best


def _wish(
    promised: ToldOption,
    within_minutes: int | None,
    snapshot_at: datetime,
    now: datetime,
    horizon_s: int,
) -> Wish:
    # Past the horizon the end of it is the soonest that the start can be.
    start_at = promised.p50_at or snapshot_at + timedelta(seconds=horizon_s)
    if within_minutes is not None:
        wish = Wish(within=timedelta(minutes=within_minutes))
        if start_at <= wish.limit_at(now):
            raise WatchRefusedError(
                f"It would start within {within_minutes} minutes now: submit it, or watch for a "
                "shorter wait."
            )
        return wish
    better_by_at = better_by(start_at, snapshot_at)
    if better_by_at <= now:
        raise WatchRefusedError(
            "It would start so soon that nothing can be ten minutes sooner: submit it."
        )
    return Wish(better_by_at=better_by_at)


def live_of(actor: Actor, now: datetime) -> QuerySet[Watch]:
    return Watch.objects.filter(user=actor.user, cancelled_at=None, expires_at__gt=now)


def cancel(watch: Watch, now: datetime) -> bool:
    """False where it was over already."""
    live = Watch.objects.filter(pk=watch.pk, cancelled_at=None, expires_at__gt=now)
    return bool(live.update(cancelled_at=now))


def sweep(now: datetime) -> None:
    Watch.objects.filter(Q(cancelled_at__lt=now - KEEP) | Q(expires_at__lt=now - KEEP)).delete()


def look_after(pk: int, now: datetime) -> int:
    """Look for better slots in the futures of this forecast, if it has made new ones; how many
    there were. For the compute worker. Safe to run twice: a watch is looked at once a snapshot."""
    made = Forecast.objects.filter(pk=pk, state=Forecast.State.DONE, as_of=None)
    # Without a batch it found nothing new: what was seen in the futures before still holds.
    forecast = made.filter(batches__isnull=False).select_related("cluster").first()
    if forecast is None:
        return 0
    until_s = time.monotonic() + BUDGET_S
    opened = 0
    waiting = _watched(forecast, now)
    while waiting and time.monotonic() < until_s:
        now_due, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        opened += _look(forecast.cluster, now_due, now)
    if waiting:
        log.warning("%s: %d watched requests wait for the next", forecast, len(waiting))
    return opened


def _watched(forecast: Forecast, now: datetime) -> list[list[Watch]]:
    """Watches that have not seen it, those of one request together, the longest unseen first."""
    live = Watch.objects.filter(cluster=forecast.cluster, cancelled_at=None, expires_at__gt=now)
    due = live.filter(checked_at__lt=forecast.snapshot_at, user__is_active=True)
    by_request: dict[str, list[Watch]] = {}
    for watch in due.select_related("user").order_by("checked_at", "pk"):
        by_request.setdefault(watch.request_sha256, []).append(watch)
    return list(by_request.values())


def look_first(pk: int, now: datetime) -> None:
    """What its promise comes to by the way that looks are made, from the same futures still."""
    unsettled = Watch.objects.filter(pk=pk, is_settled=False, cancelled_at=None, expires_at__gt=now)
    for watch in unsettled.select_related("user", "cluster"):
        _look(watch.cluster, [[watch]], now)


def _look(cluster: Cluster, watched: Sequence[Sequence[Watch]], now: datetime) -> int:
    """For the watches of some requests; how many better slots there were."""
    requests = [Request.from_json(watches[0].request) for watches in watched]
    seen = questions.first_answers(cluster, requests, now)
    if seen is None:
        return 0
    snapshot_at, answers = seen
    return sum(
        note(watch, best_of(answer, snapshot_at), snapshot_at, now)
        for watches, answer in zip(watched, answers, strict=True)
        for watch in watches
    )


def note(watch: Watch, told: ToldOption | None, snapshot_at: datetime, now: datetime) -> bool:
    """Write what a look saw, and whether that is a better slot, which the user is told of."""
    if not watch.is_settled:
        _settle(watch, told, snapshot_at)
        return False
    p50_at = told.p50_at if told else None
    within = None if watch.within_minutes is None else timedelta(minutes=watch.within_minutes)
    wish = Wish(watch.better_by_at, within)
    news = news_of(wish, watch.told_p50_at, p50_at, snapshot_at)
    seen: dict[str, object] = {
        "checked_at": snapshot_at,
        "best_where": told.where if told else "",
        "best_p50_at": p50_at,
        "best_p90_at": told.p90_at if told else None,
    }
    is_better = news in (News.OPENED, News.SOONER)
    if news != News.NOTHING:
        seen["told_p50_at"] = p50_at if is_better else None
    unseen = Watch.objects.filter(pk=watch.pk, checked_at__lt=snapshot_at)
    with transaction.atomic():
        if not unseen.filter(cancelled_at=None).update(**seen):
            return False
        if is_better and told is not None and p50_at is not None:
            _tell(watch, told, p50_at, snapshot_at, now)
    return is_better


def _settle(watch: Watch, told: ToldOption | None, snapshot_at: datetime) -> None:
    """A start that is fitted can be sooner than a simulated one, and is then no better slot."""
    better_by_at = watch.better_by_at
    if told is not None and told.p50_at is not None and better_by_at is not None:
        fitted = max(better_by(told.p50_at, snapshot_at), snapshot_at + LEAST)
        better_by_at = min(better_by_at, fitted)
    Watch.objects.filter(pk=watch.pk, is_settled=False).update(
        is_settled=True, better_by_at=better_by_at, checked_at=snapshot_at
    )


def _tell(
    watch: Watch, told: ToldOption, p50_at: datetime, snapshot_at: datetime, now: datetime
) -> None:
    mail_to = watch.user.email if settings.EMAIL_HOST else ""
    notice = Notice.objects.create(
        watch=watch,
        made_at=now,
        snapshot_at=snapshot_at,
        where=told.where,
        p50_at=p50_at,
        p90_at=told.p90_at,
        sbatch_args=list(told.sbatch_args),
        mail_to=mail_to,
        state=Notice.State.QUEUED if mail_to else Notice.State.DONE,
    )
    if mail_to:
        noticing.ring([notice.pk])
