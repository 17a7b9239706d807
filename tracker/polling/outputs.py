"""Stored polls read back: the newest good output of each command, and what may be thrown away."""

from __future__ import annotations

from datetime import datetime

from tracker.models import Cluster, Poll
from tracker.slurm.commands import COMMANDS
from tracker.slurm.transports import Output


def newest_outputs(cluster: Cluster) -> dict[str, Output]:
    """By command, for a ReplayTransport; each with its own time. Absent: never a good one.

    Without sacct, which is large and tells of the past: its facts are rows.
    """
    polls = (newest_good(cluster, command) for command in COMMANDS if command != "sacct")
    return {poll.command: output_of(poll) for poll in polls if poll}


def newest_good(cluster: Cluster, command: str) -> Poll | None:
    if command == "sacct":
        return newest_window(cluster)
    return Poll.objects.filter(cluster=cluster, command=command, ok=True).first()


def newest_window(cluster: Cluster) -> Poll | None:
    """The newest good sacct over a window of time; those for single ids do not count."""
    good = Poll.objects.filter(cluster=cluster, command="sacct", ok=True)
    for pk, argv in good.values_list("pk", "argv").iterator(chunk_size=50):
        if "-j" not in argv:
            return good.get(pk=pk)
    return None


def output_of(poll: Poll) -> Output:
    return Output(
        name=poll.command,
        argv=tuple(poll.argv),
        stdout=poll.text,
        stderr="",  # of a good poll nobody needs it
        rc=poll.rc or 0,
        started_at=poll.started_at,
        seconds=poll.seconds,
    )


def prune(before: datetime) -> int:
    """Delete polls older than ``before``, but the newest good one of each command stays."""
    kept = [
        poll.pk
        for cluster in Cluster.objects.all()
        for command in COMMANDS
        if (poll := newest_good(cluster, command))
    ]
    deleted, _ = Poll.objects.filter(started_at__lt=before).exclude(pk__in=kept).delete()
    return deleted
