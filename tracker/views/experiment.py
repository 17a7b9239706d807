"""One experiment: what it is, what it asks for, its runs, and how to log to it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tracker import submission, tasks
from tracker.forms import AdoptForm
from tracker.models import Actor, Experiment
from tracker.recording import ConflictError, archive_experiment, restore_experiment
from tracker.submission.starting import cluster_to_start_on
from tracker.views.base import (
    actor_of,
    editable_experiment,
    owned_experiment,
    public_url,
)
from tracker.views.logging_help import logging_help
from tracker.views.run_table import table_of
from tracker.views.run_usage import usage_of_experiment
from tracker.views.runs import part_of_table
from tracker.views.start_places import places, preferred


@require_safe
@login_required
def experiment(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    visible = actor.experiments().select_related("owner", "group", "cluster")
    experiment = get_object_or_404(visible, pk=pk)
    return part_of_table(request, actor, experiment) or show(request, actor, experiment)


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
    context = {
        "section": "experiments",
        "experiment": experiment,
        "requests": experiment.requests.select_related("cluster"),
        "help": logging_help(experiment, public_url(request)),
        "may_edit": may_edit,
        "may_archive": actor.owned_experiments().filter(pk=experiment.pk).exists(),
        "start": preferred(places(actor, experiment), experiment.cluster) if may_edit else None,
        **usage_of_experiment(experiment, actor),
        "adopt": adopt or AdoptForm(actor=actor, preferred=experiment.cluster),
        **table_of(request, actor, experiment),
    }
    return render(request, "tracker/experiment.html", context, status=400 if adopt else 200)


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
