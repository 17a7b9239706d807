"""The cluster now: what is free, what waits and why, one's own jobs, the way to a session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from tracker.models import Actor, Cluster, Node, Partition, Reservation
from tracker.views import occupancy, waiting
from tracker.views.base import actor_of
from tracker.views.jobs import job_rows, own_jobs
from tracker.views.poll_ages import poll_ages

OWN_JOBS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Session:
    """How to get an interactive session on one kind of device of a partition."""

    caption: str
    srun: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A partition and its part of the nodes and of the queue."""

    partition: Partition
    nodes: list[Node]
    capacities: list[occupancy.Capacity]
    waiting: int
    running: int
    median_wait_s: float | None

    @property
    def sessions(self) -> list[Session]:
        kinds = [c for c in self.capacities if c.total and c.gpu_type is not None]
        return [
            Session(
                f"A session on {kind.kind} in {self.partition.name}",
                occupancy.srun_line(self.partition, self.nodes, kind.gpu_type),
            )
            for kind in kinds or self.capacities
        ]


@require_safe
@login_required
def clusters(request: HttpRequest) -> HttpResponse:
    """The only cluster at once, else a list of them."""
    found = list(actor_of(request).clusters())
    if len(found) == 1:
        return redirect("cluster", found[0].name)
    return render(request, "tracker/cluster_list.html", {"section": "cluster", "found": found})


@require_safe
@login_required
@vary_on_headers("HX-Request")
def cluster(request: HttpRequest, name: str) -> HttpResponse:
    """The whole page, or the part of it that refreshes itself."""
    actor, now = actor_of(request), timezone.now()
    found = get_object_or_404(actor.clusters(), name=name)
    template = "tracker/cluster_live.html" if request.htmx else "tracker/cluster.html"
    return render(request, template, cluster_now(actor, found, now))


def cluster_now(actor: Actor, cluster: Cluster, now: datetime) -> dict[str, object]:
    nodes = list(Node.objects.filter(cluster=cluster))
    queue = waiting.waiting(cluster)
    running = waiting.running_by_partition(cluster)
    waits_s = waiting.median_wait_s(cluster, now)
    own_name = actor.unix_name(cluster)
    own = own_jobs(actor, [cluster])
    reservations = Reservation.objects.filter(cluster=cluster, end_at__gt=now).order_by("start_at")
    ages = poll_ages(cluster, now)
    return {
        "section": "cluster",
        "cluster": cluster,
        "ages": ages,
        "knows_queue": any(age.kind == "queue" and age.good_at for age in ages),
        "in_all": occupancy.capacities(nodes),
        "lanes": [
            _lane(partition, nodes, queue, running[partition.name], waits_s.get(partition.name))
            for partition in _shown_partitions(actor, cluster)
        ],
        "knows_nodes": bool(nodes),
        "boxes": [occupancy.box(node) for node in nodes] if actor.sees(cluster, "nodes") else [],
        "waiting_jobs": sum(row.tasks for row in queue),
        "running_jobs": running.total(),
        "reasons": waiting.by_reason(queue, own_name),
        "users": waiting.by_user(queue) if actor.is_staff or not cluster.hides_jobs else None,
        "own_name": own_name,
        "own_jobs": job_rows(own.filter(in_queue=True)[:OWN_JOBS_SHOWN], now),
        "reservations": reservations if actor.sees(cluster, "reservations") else [],
    }


def _shown_partitions(actor: Actor, cluster: Cluster) -> QuerySet[Partition]:
    """Partitions that Slurm hides are shown to staff only, as squeue and sinfo do."""
    every = Partition.objects.filter(cluster=cluster)
    if not actor.sees(cluster, "partitions"):
        return every.none()
    return every if actor.is_staff else every.filter(hidden=False)


def _lane(
    partition: Partition,
    nodes: list[Node],
    queue: list[waiting.Waiting],
    running: int,
    median_wait_s: float | None,
) -> Lane:
    mine = [node for node in nodes if partition.name in node.partitions]
    waiting_jobs = sum(row.tasks for row in queue if partition.name in row.partitions)
    capacities = occupancy.capacities(mine)
    return Lane(partition, mine, capacities, waiting_jobs, running, median_wait_s)
