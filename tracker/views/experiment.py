"""One experiment: what it is, what it asks for, its runs, and how to log to it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker.models import Run
from tracker.recording import archive_experiment, restore_experiment
from tracker.views.base import actor_of, owned_experiment, page_of, public_url
from tracker.views.logging_help import logging_help
from tracker.views.plan_link import plan_query
from tracker.views.run_rows import attach_metrics, with_newest_estimate


@require_safe
@login_required
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    visible = actor.experiments().select_related("owner", "group", "cluster")
    experiment = get_object_or_404(visible, pk=pk)
    runs = Run.objects.filter(experiment=experiment).select_related("cluster", "job")
    status = request.GET.get("status")
    if status in Run.Status.values:
        runs = runs.filter(status=status)
    else:
        status = None
    page = page_of(request, with_newest_estimate(runs))
    page.object_list = list(page.object_list)
    context = {
        "section": "experiments",
        "experiment": experiment,
        "requests": [
            (one, plan_query(one)) for one in experiment.requests.select_related("cluster")
        ],
        "page": page,
        "metric_names": attach_metrics(page.object_list),
        "status": status,
        "statuses": Run.Status.values,
        "now": timezone.now(),
        "help": logging_help(experiment, public_url(request)),
        "may_edit": actor.editable_experiments().filter(pk=pk).exists(),
        "may_archive": actor.owned_experiments().filter(pk=pk).exists(),
    }
    return render(request, "tracker/experiment.html", context)


@require_POST
@login_required
def experiment_archive(request: HttpRequest, pk: int) -> HttpResponse:
    """Archives, or restores what is archived; runs and metrics stay as they are."""
    actor = actor_of(request)
    experiment = owned_experiment(actor, pk)
    if "restore" in request.POST:
        restore_experiment(experiment, actor=actor)
        messages.success(request, f"“{experiment}” is back in the list.")
    else:
        archive_experiment(experiment, actor=actor, at=timezone.now())
        messages.success(request, f"“{experiment}” is archived; its runs and metrics are kept.")
    return redirect(experiment)
