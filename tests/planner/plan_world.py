"""The recorded cluster followed as a live one: its capture polled into the test database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.planner.recorded import recorded_slurm
from tracker.ingest import record_queue
from tracker.models import Cluster, Poll
from tracker.polling import poll_everything
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.squeue import FIELDS, parse_squeue

CAPTURE = Path(__file__).parents[1] / "data" / "slurm" / "22.05-capture"


def recorded_cluster() -> Cluster:
    """221 jobs wait: alice's, bob's, carol's, dave's, erin's and frank's."""
    cluster = Cluster.objects.create(
        name="recorded", transport=Cluster.Transport.CAPTURE, location=str(CAPTURE)
    )
    polls = poll_everything(cluster)
    assert all(poll.ok for poll in polls), [poll.error for poll in polls]
    return cluster


def small_cluster() -> Cluster:
    """The recorded cluster with a queue of few: an array, a held job, one more for cpu (996), and
    the eleven for highmem."""
    cluster = Cluster.objects.create(name="small")
    store_polls(cluster)
    squeue = recorded_slurm().transport.outputs["squeue"]  # type: ignore[attr-defined]
    kept = Poll.compress("\n".join(filter(_is_kept, squeue.stdout.split("\n"))))
    Poll.objects.filter(cluster=cluster, command="squeue").update(raw=kept)
    queue = parse_squeue(Poll.objects.get(command="squeue").text)
    record_queue(cluster, queue, squeue.started_at)
    return cluster


def _is_kept(line: str) -> bool:
    words = line.split(SEPARATOR)
    waits = words[FIELDS.index("State")] == "PENDING" if len(words) > 1 else False
    return (
        not waits
        or words[0] in {"794", "996", "1072"}
        or words[FIELDS.index("Partition")] == "highmem"
    )


def store_polls(cluster: Cluster, *, later: timedelta = timedelta(0)) -> None:
    """The recorded outputs as polls, without a job row; ``later`` moves when they were made."""
    for output in recorded_slurm().transport.outputs.values():  # type: ignore[attr-defined]
        Poll.objects.create(
            cluster=cluster,
            command=output.name,
            argv=list(output.argv),
            started_at=output.started_at + later,
            seconds=output.seconds,
            rc=0,
            ok=True,
            raw=Poll.compress(output.stdout),
        )
