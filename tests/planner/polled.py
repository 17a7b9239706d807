"""The recorded cluster with a part of its queue, and nothing known of its past."""

from __future__ import annotations

from collections.abc import Callable

from tests.factories import make_cluster
from tests.planner.plan_world import store_polls
from tracker.models import Cluster, Poll


def polled(*, queue: Callable[[str], bool]) -> Cluster:
    """With those lines of what squeue told."""
    cluster = make_cluster("polled")
    store_polls(cluster)
    squeue = Poll.objects.get(cluster=cluster, command="squeue")
    kept = "\n".join(line for line in squeue.text.split("\n") if queue(line))
    Poll.objects.filter(pk=squeue.pk).update(raw=Poll.compress(kept))
    return cluster


def is_running(line: str) -> bool:
    return "PENDING" not in line


def is_no_job(line: str) -> bool:
    return not line[:1].isdigit()
