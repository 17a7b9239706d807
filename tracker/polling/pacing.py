"""When to ask, and when to leave a cluster alone: claims, back-off, and a busy controller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils import timezone

from tracker.models import Cluster, Poll, PollClaim
from tracker.slurm.commands import COMMANDS
from tracker.slurm.records import Diagnostics

CLAIM_SLACK = timedelta(minutes=1)  # for recording, on top of the command's own time-out
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)
# slurmctld answers with up to 256 threads and an agent queue near 0; these are signs of a storm.
BUSY_THREADS = 64
BUSY_AGENT_QUEUE = 200
BUSY = "slurmctld is busy"
LOAD_IS_NEWS_FOR = timedelta(minutes=5)


@contextmanager
def claim(cluster: Cluster, command: str) -> Iterator[bool]:
    """Whether this worker may ask now. A claim whose worker died ends by itself."""
    now = timezone.now()
    PollClaim.objects.get_or_create(cluster=cluster, command=command, defaults={"until": now})
    ours = PollClaim.objects.filter(cluster=cluster, command=command)
    until = now + timedelta(seconds=COMMANDS[command].timeout_s) + CLAIM_SLACK
    if not ours.filter(until__lte=now).update(until=until):
        yield False
        return
    try:
        yield True
    finally:
        ours.filter(until=until).update(until=timezone.now())


def is_due(cluster: Cluster, command: str, interval: timedelta, now: datetime) -> bool:
    """Whether a beat at ``now`` asks: not while failures rest, every other one under load."""
    polls = Poll.objects.filter(cluster=cluster, command=command)
    newest = list(polls.values_list("ok", "started_at")[:6])
    if not newest:
        return True
    failures = next((n for n, (ok, _) in enumerate(newest) if ok), len(newest))
    last_at = newest[0][1]
    if failures and now - last_at < min(FIRST_REST * 2 ** (failures - 1), LONGEST_REST):
        return False
    return command == "sdiag" or now - last_at > interval * 1.5 or not _is_busy(cluster, now)


def load_note(load: Diagnostics) -> str:
    """For the poll of sdiag: why the other polls go at half their pace; empty while they do not."""
    threads, queue = load.server_threads or 0, load.agent_queue_size or 0
    if threads < BUSY_THREADS and queue < BUSY_AGENT_QUEUE:
        return ""
    return f"{BUSY} ({threads} threads, agent queue {queue}): polls at half their pace"


def _is_busy(cluster: Cluster, now: datetime) -> bool:
    newest = (
        Poll.objects.filter(cluster=cluster, command="sdiag", ok=True)
        .values_list("started_at", "error")
        .first()
    )
    return newest is not None and now - newest[0] < LOAD_IS_NEWS_FOR and newest[1].startswith(BUSY)
