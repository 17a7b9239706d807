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

from django.db.models import Count

from tracker.models import Attempt, Cluster, Job, JobHint, Poll, Submission
from tracker.polling.kinds import KINDS, interval
from tracker.polling.pacing import is_busy, rests_until
from tracker.reach import offers
from tracker.slurm.commands import COMMANDS

RECENT = timedelta(hours=24)
LATE_AFTER = 3  # intervals without a poll, on top of a rest
OPEN = (Submission.State.WAITING, Submission.State.CLAIMED, Submission.State.UNCLEAR)


class Pace(StrEnum):
    PAUSED = "paused"
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
    rests_until: datetime | None
    good_at: datetime | None
    failed_at: datetime | None
    error: str  # of the last failure
    polls: int
    polls_per_hour: float
    good_share: float | None
    median_s: float | None
    p90_s: float | None
    raw_bytes: int


@dataclass(frozen=True, slots=True)
class PollHealth:
    commands: list[CommandHealth]
    waiting_hints: int  # jobs that webhooks named, to be looked up yet
    undecided_jobs: int  # gone from the queue, and accounting has told no end
    submissions: dict[str, int]  # open ones, by state


def poll_health(cluster: Cluster, now: datetime) -> PollHealth:
    recent: dict[str, list[tuple[bool, float, int]]] = defaultdict(list)
    polls = Poll.objects.filter(cluster=cluster, started_at__gt=now - RECENT)
    for command, *facts in polls.values_list("command", "ok", "seconds", "raw_size"):
        recent[command].append(tuple(facts))
    return PollHealth(
        commands=[
            _command(cluster, command, interval(kind), recent[command], now)
            for kind, commands in KINDS.items()
            for command in commands
        ],
        waiting_hints=JobHint.objects.filter(cluster=cluster, checked_at=None).count(),
        undecided_jobs=_undecided(cluster),
        submissions=_open_submissions(cluster),
    )


def _command(
    cluster: Cluster,
    command: str,
    every: timedelta,
    recent: Sequence[tuple[bool, float, int]],
    now: datetime,
) -> CommandHealth:
    polls = Poll.objects.filter(cluster=cluster, command=command)
    good_at = polls.filter(ok=True).values_list("started_at", flat=True).first()
    failed_at, error = polls.filter(ok=False).values_list("started_at", "error").first() or (
        None, "",
    )  # fmt: skip
    rest = rests_until(cluster, command, every, now)
    seconds = sorted(seconds for ok, seconds, _ in recent if ok)
    return CommandHealth(
        command=command,
        argv=shlex.join(COMMANDS[command].argv),
        every_s=round(every.total_seconds()),
        pace=_pace(cluster, command, max(filter(None, (good_at, failed_at)), default=None),
                   every, rest, now),
        rests_until=rest,
        good_at=good_at,
        failed_at=failed_at,
        error=error,
        polls=len(recent),
        polls_per_hour=len(recent) / (RECENT / timedelta(hours=1)),
        good_share=len(seconds) / len(recent) if recent else None,
        median_s=median(seconds) if seconds else None,
        p90_s=seconds[math.ceil(0.9 * len(seconds)) - 1] if seconds else None,
        raw_bytes=sum(size for _, _, size in recent),
    )  # fmt: skip


def _pace(
    cluster: Cluster,
    command: str,
    last_at: datetime | None,
    every: timedelta,
    rests_until: datetime | None,
    now: datetime,
) -> Pace:
    if cluster.polling_paused:
        return Pace.PAUSED
    if not offers(cluster, command):
        return Pace.NOT_OFFERED
    if rests_until:
        return Pace.RESTING
    if last_at is None:
        return Pace.NEW
    if now - last_at > every * LATE_AFTER:
        return Pace.LATE
    return Pace.HALF if command != "sdiag" and is_busy(cluster, now) else Pace.USUAL


def _undecided(cluster: Cluster) -> int:
    gone = Job.objects.filter(cluster=cluster, is_final=False, in_queue=False)
    told = Attempt.objects.filter(job__in=gone, accounted=True).values("job")
    return gone.exclude(pk__in=told).count()


def _open_submissions(cluster: Cluster) -> dict[str, int]:
    counted = Submission.objects.filter(cluster=cluster, state__in=OPEN).order_by()
    counts = dict(counted.values_list("state").annotate(Count("pk")))
    return {state.value: counts.get(state.value, 0) for state in OPEN}
