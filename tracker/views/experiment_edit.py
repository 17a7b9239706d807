"""Making and changing an experiment, with what it asks of each cluster."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from tracker.forms import ExperimentForm, ResourceRequestForm, request_forms
from tracker.models import Actor, Experiment
from tracker.recording import create_experiment, update_experiment
from tracker.views.base import actor_of, editable_experiment
from tracker.views.start_prefill import prefilled


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def experiment_new(request: HttpRequest) -> HttpResponse:
    """``?cluster=`` and the fields of a request fill in what it asks there."""
    filled = {request.GET.get("cluster", ""): prefilled(request)}
    return _edit(request, actor_of(request), Experiment(owner=request.user), filled)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def experiment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    return _edit(request, actor, editable_experiment(actor, pk))


def _edit(
    request: HttpRequest,
    actor: Actor,
    experiment: Experiment,
    filled: Mapping[str, Mapping[str, str]] | None = None,
) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    name_before = experiment.name
    form = ExperimentForm(data, instance=experiment, actor=actor)
    requests = request_forms(experiment, data, filled=filled)
    # Every form is validated, so that all errors show at once.
    if data is not None and all([form.is_valid(), *(one.is_valid() for one in requests)]):
        return redirect(_save(actor, form, requests))
    context = {
        "section": "experiments",
        "experiment": experiment if experiment.pk else None,
        "name_before": name_before,
        "form": form,
        "requests": requests,
    }
    has_errors = data is not None
    return render(
        request, "tracker/experiment_edit.html", context, status=400 if has_errors else 200
    )


def _save(actor: Actor, form: ExperimentForm, requests: list[ResourceRequestForm]) -> Experiment:
    asked = [
        {"cluster": one.instance.cluster, **one.cleaned_data}
        for one in requests
        if one.asks_for_something()
    ]
    if form.instance.pk is None:
        return create_experiment(actor=actor, requests=asked, **form.cleaned_data)
    changed = any(one.has_changed() for one in requests)
    return update_experiment(
        form.instance, actor=actor, requests=asked if changed else None, **form.cleaned_data
    )
