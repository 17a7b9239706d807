"""The page after sign-in: what of mine waits and runs, and where to go on."""

from __future__ import annotations

from collections import Counter

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tracker.models import Run
from tracker.views.base import actor_of
from tracker.views.run_rows import with_newest_estimate

OPEN_SHOWN = 50
RECENT = 8


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    mine = actor.runs().filter(Q(created_by=request.user) | Q(experiment__owner=request.user))
    mine = mine.select_related("experiment", "cluster", "job")
    open_runs = mine.filter(status__in=Run.OPEN)
    counts = Counter(open_runs.values_list("status", flat=True))
    context = {
        "running": counts[Run.Status.RUNNING],
        "waiting": counts[Run.Status.PENDING] + counts[Run.Status.SUBMITTING],
        "logging": counts[Run.Status.CREATED],
        "open_runs": with_newest_estimate(open_runs)[:OPEN_SHOWN],
        "open_count": counts.total(),
        "now": timezone.now(),
        "ended_runs": mine.exclude(status__in=Run.OPEN).order_by("-ended_at", "-id")[:RECENT],
        "experiments": actor.experiments()
        .filter(archived_at=None)
        .select_related("owner", "group")[:RECENT],
    }
    return render(request, "tracker/home.html", context)
