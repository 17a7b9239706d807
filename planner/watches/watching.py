"""Watches: "tell me when a better slot opens", begun from an answer and ended.

``planner.watches.looking`` looks for the slots.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from planner.asking.told_option import ToldOption, best_of
from planner.models import Question, Watch
from planner.watches.better_slot import Wish, better_by
from tracker import work
from tracker.models import Actor, Notice

MAX_LIVE = 20  # of one user
LASTS = timedelta(days=7)
KEEP = timedelta(days=30)  # after its end, for the list
MAX_WITHIN_MINUTES = 7 * 24 * 60
LOOK_FIRST = "planner.tasks.look_first"


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
        work.ring(LOOK_FIRST, [watch.pk])
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
    over = Watch.objects.filter(Q(cancelled_at__lt=now - KEEP) | Q(expires_at__lt=now - KEEP))
    Notice.objects.filter(better_slot__watch__in=over).delete()
    over.delete()
