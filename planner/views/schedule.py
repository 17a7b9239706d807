"""One likely future of the cluster's queue, for the Gantt chart of the planning page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from planner.charts import Block, Stay, schedule
from tracker.models import Actor, Cluster
from tracker.polling import outputs_as_of
from tracker.slurm.client import Slurm
from tracker.slurm.hostlist import expand
from tracker.slurm.records import Reservation
from tracker.slurm.transports import ReplayTransport
from tracker.views.base import actor_of

if TYPE_CHECKING:
    from planner.futures import Future

NOTHING_YET = 204


@require_safe
@login_required
def plan_schedule(request: HttpRequest, name: str) -> HttpResponse:
    """The replica whose starts are nearest the median ones; 204 where no future is kept."""
    # Here, so that a web worker which draws no schedule never loads NumPy.
    from planner.forecasting.stored_futures import newest

    actor = actor_of(request)
    cluster = get_object_or_404(actor.clusters(), name=name)
    kept = newest(cluster)
    if kept is None or not kept[1] or kept[0].snapshot_at is None:
        return HttpResponse(status=NOTHING_YET)
    forecast, futures = kept
    future = _nearest_the_median(futures)
    at, until_s = forecast.snapshot_at, float(min(future.horizon_s, future.known_until_s))
    slurm = Slurm(ReplayTransport(outputs_as_of(cluster, forecast.facts_at or at)))
    nodes = [node.name for node in slurm.nodes()]  # places in a future are places in this
    drawn = schedule(
        _stays(future, actor, cluster),
        _blocks(slurm.reservations(), nodes, at),
        nodes=nodes,
        until_s=until_s,
    )
    told = {"snapshot_at": at.isoformat(), "replica": future.replica, "replicas": len(futures)}
    return JsonResponse(told | drawn)


def _nearest_the_median(futures: Sequence[Future]) -> Future:
    """By the starts of the jobs that all of them know, on a scale of factors."""
    import numpy as np

    starts = [dict(zip(future.keys, future.start_s, strict=True)) for future in futures]
    common = set.intersection(*(set(of_future) for of_future in starts)) - {None}
    waits = np.log1p([[max(0.0, one[key]) for key in sorted(common)] for one in starts])
    distance = np.abs(waits - np.median(waits, axis=0)).sum(axis=1)
    return futures[int(np.argmin(distance))]


def _stays(future: Future, actor: Actor, cluster: Cluster) -> Iterator[Stay]:
    own = actor.unix_name(cluster)
    is_told = actor.is_staff or not cluster.hides_jobs
    for bar in future.bars():
        is_own = bar.user == own and own is not None
        is_expected = bar.key is None  # nobody has submitted it: it was drawn from the past
        yield Stay(
            name=bar.key if is_told or is_own else None,
            partition=bar.partition if is_told or is_own else "",
            start_s=bar.start_s,
            end_s=bar.end_s,
            nodes=bar.nodes,
            is_own=is_own and not is_expected,
            is_expected=is_expected,
        )


def _blocks(
    reservations: Iterable[Reservation], nodes: Sequence[str], at: datetime
) -> Iterator[Block]:
    place = {name: number for number, name in enumerate(nodes)}
    for reservation in reservations:
        if reservation.start_at is None:
            continue
        end_s = inf if reservation.end_at is None else (reservation.end_at - at).total_seconds()
        held = [place[name] for name in expand(reservation.node_list) if name in place]
        start_s = (reservation.start_at - at).total_seconds()
        yield Block(reservation.name, start_s, end_s, held)
