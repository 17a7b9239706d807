"""How the polls of a cluster fare: what each command answered, how fast, and when it is next."""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median
from typing import NamedTuple

from django.db.models import Count

from tracker.ingest.accounting import undecided_jobs
from tracker.models import Cluster, JobHint, Poll, Submission
from tracker.polling.kinds import KINDS, interval
from tracker.polling.pacing import is_busy, rests_until
from tracker.reach import offers
from tracker.slurm.commands import COMMANDS

RECENT, HOUR = timedelta(hours=24), timedelta(hours=1)
LATE_AFTER = 3  # intervals without any poll
OPEN = (Submission.State.WAITING, Submission.State.CLAIMED, Submission.State.UNCLEAR)


class Pace(StrEnum):
    PAUSED = "paused"
    RECORDED = "recorded"
    NOT_OFFERED = "not offered"
    RESTING = "resting"
    NEW = "not asked yet"
    LATE = "late"
    HALF = "half pace"
    USUAL = "usual pace"


@dataclass(frozen=True, slots=True)
class CommandHealth:
    """Figures are of the last 24 h, None where it was not asked; seconds are of good polls."""

    command: str
    argv: str
    every_s: int
    pace: Pace
    rests_until: datetime | None  # after a failure
    good_at: datetime | None
    failed_at: datetime | None
    error: str  # of the last failure
    polls: int
    polls_last_hour: int
    good_share: float | None
    median_s: float | None
    p90_s: float | None
    raw_bytes: int

    @property
    def good_percent(self) -> int | None:
        """Rounded down: 100 is all of them."""
        return None if self.good_share is None else math.floor(100 * self.good_share)


@dataclass(frozen=True, slots=True)
class PollHealth:
    commands: list[CommandHealth]
    waiting_hints: int  # jobs that webhooks named, to be looked up yet
    undecided_jobs: int  # gone from the queue, and accounting has told no end
    submissions: dict[str, int]  # open ones, by state


class Recent(NamedTuple):
    ok: bool
    seconds: float
    raw_size: int
    started_at: datetime


def poll_health(cluster: Cluster, now: datetime) -> PollHealth:
    recent: dict[str, list[Recent]] = defaultdict(list)
    polls = Poll.objects.filter(cluster=cluster, started_at__gt=now - RECENT)
    for command, *facts in polls.values_list("command", *Recent._fields):
        recent[command].append(Recent(*facts))
    return PollHealth(
        commands=[
            _command(cluster, command, interval(kind), recent[command], now)
            for kind, commands in KINDS.items()
            for command in commands
        ],
        waiting_hints=JobHint.objects.filter(cluster=cluster, checked_at=None).count(),
        undecided_jobs=undecided_jobs(cluster).count(),
        submissions=_open_submissions(cluster),
    )


def _command(
    cluster: Cluster,
    command: str,
    every: timedelta,
    recent: Sequence[Recent],
    now: datetime,
) -> CommandHealth:
    polls = Poll.objects.filter(cluster=cluster, command=command)
    good_at = polls.filter(ok=True).values_list("started_at", flat=True).first()
    failed = polls.filter(ok=False).values_list("started_at", "error").first()
    failed_at, error = failed or (None, "")
    last_at = max(filter(None, (good_at, failed_at)), default=None)
    rest = rests_until(cluster, command, every, now)
    is_late = last_at is not None and now - last_at > every * LATE_AFTER
    is_slow = command != "sdiag" and is_busy(cluster, now)
    seconds = sorted(one.seconds for one in recent if one.ok)
    return CommandHealth(
        command=command,
        argv=shlex.join(COMMANDS[command].argv),
        every_s=round(every.total_seconds()),
        pace=_standstill(cluster, command)
        or (Pace.NEW if last_at is None else _pace(rest, is_late=is_late, is_slow=is_slow)),
        rests_until=rest,
        good_at=good_at,
        failed_at=failed_at,
        error=error,
        polls=len(recent),
        polls_last_hour=sum(one.started_at > now - HOUR for one in recent),
        good_share=len(seconds) / len(recent) if recent else None,
        median_s=median(seconds) if seconds else None,
        p90_s=seconds[math.ceil(0.9 * len(seconds)) - 1] if seconds else None,
        raw_bytes=sum(one.raw_size for one in recent),
    )


def _standstill(cluster: Cluster, command: str) -> Pace | None:
    """Why it is never asked as things stand."""
    if cluster.polling_paused:
        return Pace.PAUSED
    if cluster.transport == Cluster.Transport.CAPTURE:
        return Pace.RECORDED
    return None if offers(cluster, command) else Pace.NOT_OFFERED


def _pace(rest: datetime | None, *, is_late: bool, is_slow: bool) -> Pace:
    if rest:
        return Pace.RESTING
    if is_late:
        return Pace.LATE
    return Pace.HALF if is_slow else Pace.USUAL


def _open_submissions(cluster: Cluster) -> dict[str, int]:
    counted = Submission.objects.filter(cluster=cluster, state__in=OPEN).order_by()
    counts = dict(counted.values_list("state").annotate(Count("pk")))
    return {state.value: counts.get(state.value, 0) for state in OPEN}
