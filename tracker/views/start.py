"""The page that starts runs: seeds, configurations and what to ask of Slurm, seen before sent."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.http import require_http_methods

from tracker.models import Actor, Cluster, Experiment, Run, Submission
from tracker.recording import ConflictError
from tracker.views.base import actor_of, editable_experiment
from tracker.views.start_asked import Asked
from tracker.views.start_places import Place, places, preferred


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def start(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    experiment = editable_experiment(actor, pk)
    model = _model(actor, experiment, request.GET.get("from"))
    known = places(actor, experiment)
    place = _chosen(request, known, model.cluster if model else experiment.cluster)
    context = {"section": "experiments", "experiment": experiment, "places": known, "place": place}
    if place is None:
        status = 400 if request.method == "POST" else 200
        return render(request, "tracker/start.html", context, status=status)
    asked = Asked(request, actor=actor, experiment=experiment, place=place, model=model)
    preview = None
    if request.method == "POST" and asked.is_valid():
        try:
            if "preview" not in request.POST:
                return _go_on(request, *asked.start())
            preview = asked.preview()
        except ConflictError as conflict:
            asked.tell(conflict)
    context |= {"asked": asked, "preview": preview, "model": model}
    status = 400 if request.method == "POST" and asked.has_errors() else 200
    return render(request, "tracker/start.html", context, status=status)


def _model(actor: Actor, experiment: Experiment, pk: str | None) -> Run | None:
    """The run that is to be started once more."""
    if not pk:
        return None
    if not (pk.isascii() and pk.isalnum()):
        raise Http404
    runs = actor.runs().filter(experiment=experiment)
    return get_object_or_404(runs.select_related("cluster", "submission"), pk=pk)


def _chosen(request: HttpRequest, known: list[Place], default: Cluster | None) -> Place | None:
    named = request.POST.get("cluster") or request.GET.get("cluster")
    if not named:
        return preferred(known, default)
    for place in known:
        if place.cluster.name == named:
            return place
    raise Http404


def _go_on(request: HttpRequest, begun: Submission, is_new: bool) -> HttpResponse:
    runs = list(begun.runs.all())
    if is_new:
        many = f"{len(runs)} run{pluralize(len(runs))}"
        messages.success(request, f"Started {many} on {begun.cluster} as {begun.unix_name}.")
    else:
        messages.info(
            request,
            "This was started already, and nothing is started twice. For more, open Start anew.",
        )
    if len(runs) == 1:
        return redirect(runs[0])
    return redirect(f"{begun.experiment.get_absolute_url()}?submission={begun.pk}")
