"""One experiment: what it is, what it asks for, its runs, and how to log to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker import submission, tasks
from tracker.forms import AdoptForm
from tracker.models import Actor, Experiment, Run
from tracker.models.submissions import SCRIPT_OF_RUN
from tracker.recording import ConflictError, archive_experiment, restore_experiment
from tracker.submission.starting import cluster_to_start_on
from tracker.views.base import (
    actor_of,
    editable_experiment,
    owned_experiment,
    page_of,
    public_url,
)
from tracker.views.logging_help import logging_help
from tracker.views.run_rows import attach_metrics, with_newest_estimate
from tracker.views.start_places import places, preferred


@require_safe
@login_required
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    visible = actor.experiments().select_related("owner", "group", "cluster")
    return show(request, actor, get_object_or_404(visible, pk=pk))


@require_POST
@login_required
def experiment_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes in a job that was submitted elsewhere, as a run that follows it."""
    actor = actor_of(request)
    experiment = editable_experiment(actor, pk)
    form = AdoptForm(request.POST, actor=actor, preferred=experiment.cluster)
    if not form.is_valid():
        return show(request, actor, experiment, form)
    shown_id = form.cleaned_data["slurm_job_id"]
    try:
        run, is_new = submission.adopt_job(
            experiment,
            actor=actor,
            cluster=cluster_to_start_on(experiment, form.cleaned_data.get("cluster")),
            shown_id=shown_id,
            now=timezone.now(),
            ring=tasks.ring_for_hints,
        )
    except ConflictError as conflict:
        known = conflict.field in form.fields
        form.add_error(conflict.field if known else None, conflict.sentence)
        return show(request, actor, experiment, form)
    verb = "is followed" if is_new else "was followed already"
    messages.success(request, f"Job {shown_id} {verb}, as this run.")
    return redirect(run)


def show(
    request: HttpRequest, actor: Actor, experiment: Experiment, adopt: AdoptForm | None = None
) -> HttpResponse:
    """The page; with the form of a job that could not be adopted it is an error page."""
    may_edit = actor.editable_experiments().filter(pk=experiment.pk).exists()
    chosen = _chosen_runs(request)
    context = {
        "section": "experiments",
        "experiment": experiment,
        "requests": experiment.requests.select_related("cluster"),
        "statuses": Run.Status.values,
        "now": timezone.now(),
        "help": logging_help(experiment, public_url(request)),
        "may_edit": may_edit,
        "may_archive": actor.owned_experiments().filter(pk=experiment.pk).exists(),
        "start": preferred(places(actor, experiment), experiment.cluster) if may_edit else None,
        "adopt": adopt or AdoptForm(actor=actor, preferred=experiment.cluster),
        **chosen,
        **_runs(request, experiment, chosen),
    }
    return render(request, "tracker/experiment.html", context, status=400 if adopt else 200)


def _chosen_runs(request: HttpRequest) -> dict[str, Any]:
    """Which runs are listed: of one state, of one start, or all; nonsense means all."""
    status, started = request.GET.get("status"), request.GET.get("submission", "")
    is_number = started.isascii() and started.isdigit() and len(started) < 19
    return {
        "status": status if status in Run.Status.values else None,
        "submission": int(started) if is_number else None,
    }


def _runs(
    request: HttpRequest, experiment: Experiment, chosen: dict[str, Any]
) -> dict[str, object]:
    wanted = {name: value for name, value in chosen.items() if value is not None}
    runs = Run.objects.filter(experiment=experiment, **wanted)
    runs = runs.select_related("cluster", "job", "submission").defer(SCRIPT_OF_RUN)
    if chosen["submission"]:
        runs = runs.order_by("array_task_id", "pk")
    page = page_of(request, with_newest_estimate(runs))
    page.object_list = list(page.object_list)
    return {"page": page, "metric_names": attach_metrics(page.object_list)}


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
