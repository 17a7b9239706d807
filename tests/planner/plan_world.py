"""The recorded cluster followed as a live one: its capture polled into the test database."""

from __future__ import annotations

from pathlib import Path

from tracker.models import Cluster
from tracker.polling import poll_everything

CAPTURE = Path(__file__).parents[1] / "data" / "slurm" / "22.05-capture"


def recorded_cluster() -> Cluster:
    """221 jobs wait: alice's, bob's, carol's, dave's, erin's and frank's."""
    cluster = Cluster.objects.create(
        name="recorded", transport=Cluster.Transport.CAPTURE, location=str(CAPTURE)
    )
    polls = poll_everything(cluster)
    assert all(poll.ok for poll in polls), [poll.error for poll in polls]
    return cluster
