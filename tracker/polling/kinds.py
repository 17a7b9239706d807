"""What is asked together, and at which pace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from tracker import ingest
from tracker.models import Cluster, Poll
from tracker.polling.asking import ask
from tracker.polling.outputs import newest_window
from tracker.polling.pacing import is_due
from tracker.reach import offers
from tracker.slurm.commands import MAX_IDS_ASKED

# Names of the beat entries, in the order of a first poll. Priorities and shares move with the
# controller's own calculation, some minutes apart: accounting's pace suits them.
KINDS: dict[str, tuple[str, ...]] = {
    "configuration": ("config", "partitions", "reservations", "qos", "assoc"),
    "nodes": ("sdiag", "nodes"),
    "queue": ("squeue",),
    "accounting": ("sshare", "sprio", "sacct"),
}
# slurmctld tells slurmdbd late: each window of sacct reaches back into the one before.
OVERLAP = timedelta(minutes=10)
FIRST_WINDOW = timedelta(days=7)  # older history comes by import_sacct
MAX_UNDECIDED = 5 * MAX_IDS_ASKED


def poll(cluster: Cluster, kind: str, *, force: bool = False) -> list[Poll]:
    """Ask what is due of a kind; with ``force`` all of it, whatever failed or is busy."""
    now = timezone.now()
    pace = interval(kind)
    asked: list[Poll | None] = []
    for command in KINDS[kind]:
        if not offers(cluster, command):
            continue
        if not force and not is_due(cluster, command, pace, now):
            continue
        asked += _ask_accounting(cluster, now) if command == "sacct" else [ask(cluster, command)]
    return [row for row in asked if row]


def poll_everything(cluster: Cluster) -> list[Poll]:
    return [row for kind in KINDS for row in poll(cluster, kind, force=True)]


def interval(kind: str) -> timedelta:
    return timedelta(seconds=settings.CELERY_BEAT_SCHEDULE[kind]["schedule"])


def _ask_accounting(cluster: Cluster, now: datetime) -> Iterable[Poll | None]:
    """The window since the last good one, the ids that nobody has decided, and what jobs used."""
    last = newest_window(cluster)
    since = last.started_at - OVERLAP if last else now - FIRST_WINDOW
    window = ask(cluster, "sacct", since=since)
    yield window
    if window is None or not window.ok:
        return
    ids = ingest.undecided_ids(cluster, now, every=interval("accounting"))[:MAX_UNDECIDED]
    for start in range(0, len(ids), MAX_IDS_ASKED):
        yield ask(cluster, "sacct", job_ids=ids[start : start + MAX_IDS_ASKED])
    # Jobs of runs that have ended: a sweep of thousands is told a turn at a time.
    ended = ingest.ids_without_usage(cluster, now)[:MAX_IDS_ASKED]
    if ended and offers(cluster, "usage") and is_due(cluster, "usage", interval("accounting"), now):
        yield ask(cluster, "usage", job_ids=ended)
