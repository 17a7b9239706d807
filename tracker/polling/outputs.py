"""Stored polls read back: the newest good output of each command, now or as of a past time, and
what may be thrown away."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from tracker.models import Cluster, Poll, PollClaim
from tracker.recording import delete_in_batches
from tracker.slurm.commands import COMMANDS
from tracker.slurm.transports import Output

POLLS_AT_ONCE = 200  # deleted in a transaction: the queue of a large site is a megabyte each

HOLD = "all: held to be replayed"  # where a claim names the command


def newest_outputs(cluster: Cluster) -> dict[str, Output]:
    """By command, for a ReplayTransport; each with its own time. Absent: never a good one.

    Without sacct, which is large and tells of the past: its facts are rows.
    """
    polls = (newest_good(cluster, command) for command in COMMANDS if command != "sacct")
    return {poll.command: output_of(poll) for poll in polls if poll}


def outputs_as_of(cluster: Cluster, at: datetime) -> dict[str, Output]:
    """What ``newest_outputs`` would have answered at that time: the newest good output that was
    complete by then, even where another one had been asked for."""
    polls = (_newest_complete(cluster, command, at) for command in COMMANDS if command != "sacct")
    return {poll.command: output_of(poll) for poll in polls if poll}


def complete_at(output: Output | Poll) -> datetime:
    """When an answer was known here: not before all of it was printed."""
    return output.started_at + timedelta(seconds=output.seconds)


def _newest_complete(cluster: Cluster, command: str, at: datetime) -> Poll | None:
    begun = Poll.objects.filter(cluster=cluster, command=command, ok=True, started_at__lte=at)
    # Nearly always the first or second; the raw text of the others stays where it is.
    for poll in begun.defer("raw").iterator(chunk_size=10):
        if complete_at(poll) <= at:
            return poll
    return None


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


def keep_output(row: Poll, output: Output) -> None:
    """The inverse of ``output_of``, into a row not saved yet."""
    row.argv = list(output.argv)
    row.started_at = output.started_at
    row.seconds = output.seconds
    row.rc = output.rc
    row.raw = Poll.compress(output.stdout) if output.stdout else b""
    row.raw_size = len(output.stdout.encode())


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


def hold(cluster: Cluster, until: datetime) -> None:
    """Keep every poll of the cluster, however old, until then: somebody has yet to read them."""
    PollClaim.objects.update_or_create(cluster=cluster, command=HOLD, defaults={"until": until})


def prune(before: datetime) -> int:
    """Delete polls older than ``before``, but what is held, and the newest good one of each
    command, stays."""
    held = PollClaim.objects.filter(command=HOLD, until__gt=timezone.now())
    kept = [
        poll.pk
        for cluster in Cluster.objects.all()
        for command in COMMANDS
        if (poll := newest_good(cluster, command))
    ]
    old = Poll.objects.filter(started_at__lt=before).exclude(cluster__in=held.values("cluster"))
    return delete_in_batches(old.exclude(pk__in=kept), batch=POLLS_AT_ONCE)
