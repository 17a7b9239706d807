"""How well the model repeats Slurm on a cluster, for its staff: from the newest stored check."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from planner import check_queue
from tracker.views.base import actor_of


@require_safe
@login_required
def selfcheck(request: HttpRequest, name: str) -> HttpResponse:
    actor = actor_of(request)
    cluster = get_object_or_404(actor.clusters(), name=name)
    if not actor.is_staff:
        raise PermissionDenied("How the model repeats Slurm is for staff.")
    done = check_queue.newest(cluster)
    context = {
        "section": "cluster",
        "cluster": cluster,
        "done": done,
        "last": cluster.self_checks.first(),
    }
    if done is not None:
        cycle_at = done.result["cycle_at"]
        context |= {"told": done.result, "cycle_at": cycle_at and parse_datetime(cycle_at)}
    return render(request, "planner/selfcheck.html", context)
