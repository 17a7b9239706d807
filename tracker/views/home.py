"""The page after sign-in: what of mine waits and runs, and where to go on."""

from __future__ import annotations

from collections import Counter

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tracker.models import Run
from tracker.views.base import actor_of
from tracker.views.run_rows import with_newest_estimate

RECENT = 8


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    mine = Run.objects.filter(experiment__owner=request.user)
    mine = mine.select_related("experiment", "cluster", "job")
    open_runs = with_newest_estimate(mine.filter(status__in=Run.OPEN))[:50]
    counts = Counter(run.status for run in open_runs)
    context = {
        "running": counts[Run.Status.RUNNING],
        "waiting": counts[Run.Status.PENDING] + counts[Run.Status.SUBMITTING],
        "open_runs": open_runs,
        "now": timezone.now(),
        "ended_runs": mine.exclude(status__in=Run.OPEN).order_by("-ended_at", "-id")[:RECENT],
        "experiments": actor.experiments()
        .filter(archived_at=None)
        .select_related("owner", "group")[:RECENT],
    }
    return render(request, "tracker/home.html", context)
