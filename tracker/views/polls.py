"""How the polls of a cluster fare, for its staff; and the switch that pauses them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker import polling
from tracker.models import Poll
from tracker.recording import set_polling_paused
from tracker.views.base import actor_of

MAY_PAUSE = "tracker.change_cluster"


@require_safe
@login_required
def polls(request: HttpRequest, name: str) -> HttpResponse:
    actor = actor_of(request)
    cluster = get_object_or_404(actor.clusters(), name=name)
    if not actor.is_staff:
        raise PermissionDenied("How a cluster is polled is for staff.")
    context = {
        "section": "cluster",
        "cluster": cluster,
        "health": polling.poll_health(cluster, timezone.now()),
        "was_polled": Poll.objects.filter(cluster=cluster).exists(),
        "may_pause": request.user.has_perm(MAY_PAUSE),
    }
    return render(request, "tracker/polls.html", context)


@require_POST
@login_required
def polling_set(request: HttpRequest, name: str) -> HttpResponse:
    """Pauses the polls, or lets paused ones go on."""
    actor = actor_of(request)
    cluster = get_object_or_404(actor.clusters(), name=name)
    if not (actor.is_staff and request.user.has_perm(MAY_PAUSE)):
        raise PermissionDenied("Only staff who may change clusters pause their polls.")
    pauses = "resume" not in request.POST
    set_polling_paused(cluster, pauses, actor=actor)
    messages.success(request, "Polling is paused." if pauses else "Polling goes on.")
    return redirect("polls", cluster.name)
