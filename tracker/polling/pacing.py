"""When to ask, and when to leave a cluster alone: claims, back-off, and a busy controller."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from tracker.models import Cluster, Poll, PollClaim
from tracker.slurm.commands import ASKED
from tracker.slurm.records import Diagnostics

CLAIM_SLACK = timedelta(minutes=1)  # for recording, on top of the command's own time-out
# While Slurm does not answer: every other poll for a short outage, so that two polls after it all
# is known again; rarer after that.
SHORT_OUTAGE = timedelta(minutes=10)
LONGEST_REST = timedelta(minutes=10)
# slurmctld answers with up to 256 threads and an agent queue near 0; these are signs of a storm.
BUSY_THREADS = 64
BUSY_AGENT_QUEUE = 200
BUSY = "slurmctld is busy"
LOAD_IS_NEWS_FOR = timedelta(minutes=5)


@contextmanager
def claim(cluster: Cluster, command: str) -> Iterator[bool]:
    """Whether this worker may ask now. A claim whose worker died ends by itself, and at once where
    that can be seen."""
    now = timezone.now()
    PollClaim.objects.get_or_create(cluster=cluster, command=command, defaults={"until": now})
    ours = PollClaim.objects.filter(cluster=cluster, command=command)
    held = ours.filter(until__gt=now).values_list("holder", flat=True).first()
    if held and _has_died(held):
        ours.filter(holder=held).update(until=now)
    until = now + timedelta(seconds=ASKED[command].timeout_s) + CLAIM_SLACK
    if not ours.filter(until__lte=now).update(until=until, holder=_holder(os.getpid())):
        yield False
        return
    try:
        yield True
    finally:
        ours.filter(until=until).update(until=timezone.now())


def _holder(pid: int) -> str:
    """A process of this host, told from a later one of the same number by when it started."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = "ended"
    return f"{socket.gethostname()} {pid} {started}"


def _has_died(holder: str) -> bool:
    """False too where it is another host's, which cannot be seen from here."""
    host, pid, _ = holder.split()
    return host == socket.gethostname() and _holder(int(pid)) != holder


def is_due(cluster: Cluster, command: str, interval: timedelta, now: datetime) -> bool:
    """Whether a beat at ``now`` asks: not while failures rest, every other one under load."""
    polls = Poll.objects.filter(cluster=cluster, command=command)
    last_at = polls.values_list("started_at", flat=True).first()
    if last_at is None:
        return True
    if rests_until(cluster, command, interval, now):
        return False
    return command == "sdiag" or now - last_at > interval * 1.5 or not is_busy(cluster, now)


def rests_until(
    cluster: Cluster, command: str, interval: timedelta, now: datetime
) -> datetime | None:
    """When a command whose last try failed may be asked again; None where it may now."""
    polls = Poll.objects.filter(cluster=cluster, command=command)
    newest = list(polls.values_list("ok", "started_at")[:2])
    if not newest:
        return None
    until = newest[0][1] + _rest(polls, [ok for ok, _ in newest], interval, now)
    return until if until > now else None


def _rest(
    polls: QuerySet[Poll], newest: list[bool], interval: timedelta, now: datetime
) -> timedelta:
    """How long to leave the cluster alone after its last answers, newest first."""
    if newest[0]:
        return timedelta(0)
    if newest[1:] in ([], [True]):
        return interval * 0.9  # the next beat may be early by a moment
    good_at = polls.filter(ok=True).values_list("started_at", flat=True).first()
    failing_since = polls.filter(started_at__gt=good_at) if good_at else polls
    first_at = failing_since.order_by("started_at").values_list("started_at", flat=True).first()
    if first_at is None or now - first_at < SHORT_OUTAGE:
        return interval * 1.9
    return max(LONGEST_REST, interval)


def load_note(load: Diagnostics) -> str:
    """For the poll of sdiag: why the other polls go at half their pace; empty while they do not."""
    threads, queue = load.server_threads or 0, load.agent_queue_size or 0
    if threads < BUSY_THREADS and queue < BUSY_AGENT_QUEUE:
        return ""
    return f"{BUSY} ({threads} threads, agent queue {queue}): polls at half their pace"


def is_busy(cluster: Cluster, now: datetime) -> bool:
    """Whether slurmctld said lately that it has enough to do."""
    newest = (
        Poll.objects.filter(cluster=cluster, command="sdiag", ok=True)
        .values_list("started_at", "error")
        .first()
    )
    return newest is not None and now - newest[0] < LOAD_IS_NEWS_FOR and newest[1].startswith(BUSY)
