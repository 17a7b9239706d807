"""How old each part of what we know of a cluster is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.models import Cluster, Poll

QUEUE_OLD_AFTER = timedelta(minutes=10)  # twenty missed polls
# What a reader calls it, the command that tells it, and when its age is no longer usual.
KINDS = (
    ("queue", "squeue", QUEUE_OLD_AFTER),
    ("nodes", "nodes", timedelta(minutes=10)),
    ("accounting", "sacct", timedelta(minutes=30)),
    ("configuration", "partitions", timedelta(hours=2)),
)


@dataclass(frozen=True, slots=True)
class PollAge:
    kind: str
    good_at: datetime | None  # of the last good poll
    is_old: bool
    failed_at: datetime | None  # of a later one that failed
    error: str


def poll_ages(cluster: Cluster, now: datetime) -> list[PollAge]:
    return [_age(cluster, *kind, now) for kind in KINDS]


def _age(cluster: Cluster, kind: str, command: str, usual: timedelta, now: datetime) -> PollAge:
    polls = Poll.objects.filter(cluster=cluster, command=command)
    good_at = polls.filter(ok=True).values_list("started_at", flat=True).first()
    failed = polls.filter(ok=False).values_list("started_at", "error").first()
    if failed is None or (good_at is not None and failed[0] < good_at):
        failed = (None, "")
    return PollAge(kind, good_at, good_at is not None and now - good_at > usual, *failed)
