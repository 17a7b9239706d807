"""Looks for better slots: after each forecast for all that is watched on its cluster.

A look fits the job into the futures that the forecast keeps, as a question's first answer is made:
nothing is simulated for it. For the ask worker.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from planner.asking import questions
from planner.asking.request import Request
from planner.asking.told_option import ToldOption, best_of
from planner.models import BetterSlot, Forecast, Watch
from planner.watches.better_slot import LEAST, Look, News, Wish, better_by, news_of
from tracker import recording, work
from tracker.models import Cluster, Notice

BUDGET = timedelta(seconds=30)  # after a forecast: requests that are left come first at the next
AT_ONCE = 4  # requests: a second or two, in which no question is answered
TASK = "planner.tasks.look_after"

log = logging.getLogger(__name__)


def look_after(pk: int, now: datetime) -> int:
    """Look for better slots in the futures of this forecast, if it has made new ones, for a few
    requests, and ring for the rest: questions come between. How many slots there were.

    Safe to run twice: a watch is looked at once a snapshot.
    """
    made = Forecast.objects.filter(pk=pk, state=Forecast.State.DONE, as_of=None)
    # Without a batch it found nothing new: what was seen in the futures before still holds.
    forecast = made.filter(batches__isnull=False).select_related("cluster").first()
    if forecast is None or forecast.finished_at is None:
        return 0
    watched = _watched(forecast, now)
    opened = _look(forecast.cluster, watched[:AT_ONCE], now)
    left = len(watched[AT_ONCE:])
    if left and now - forecast.finished_at < BUDGET:
        work.ring(TASK, [pk])
    elif left:
        log.warning("%s: %d watched requests wait for the next", forecast, left)
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
    seen = questions.first_answers(cluster, requests, now) if requests else None
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
    before = Look(watch.checked_at, watch.best_p50_at)
    news = news_of(wish, watch.told_p50_at, before, Look(snapshot_at, p50_at))
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
    slot = BetterSlot(
        watch=watch,
        snapshot_at=snapshot_at,
        where=told.where,
        p50_at=p50_at,
        p90_at=told.p90_at,
        sbatch_args=list(told.sbatch_args),
    )
    notice = recording.tell(
        watch.user,
        Notice.Kind.BETTER_SLOT,
        now,
        title=f"A better slot on {watch.cluster}: {told.where}",
        body=render_to_string("planner/better_slot.txt", {"slot": slot}),
        path=reverse("watches"),
    )
    if notice is not None:
        slot.notice = notice
        slot.save(force_insert=True)
