"""The list of experiments: filter, search, sort, page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Q, QuerySet
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tracker.filters import ExperimentFilter
from tracker.forms import ExperimentFilterForm
from tracker.models import Actor, Experiment, Run
from tracker.views.base import actor_of, page_of

SORTS = {
    "newest": ["-id"],
    "name": [Lower("name"), "id"],
    "active": ["-last_run", "-id"],
    "runs": ["-run_count", "-id"],
}


@require_safe
@login_required
def experiments(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    form = ExperimentFilterForm(request.GET, actor=actor)
    form.is_valid()  # a field that makes no sense is dropped, and says so beside itself
    wanted = form.cleaned_data
    kept = Q(runs__deleted_at=None)
    rows = matching(actor, wanted).select_related("owner", "group")
    rows = rows.annotate(
        run_count=Count("runs", filter=kept),
        open_count=Count("runs", filter=kept & Q(runs__status__in=[*Run.OPEN])),
        last_run=Max("runs__created_at", filter=kept),
    ).order_by(*SORTS[wanted.get("sort") or "newest"])
    context = {
        "section": "experiments",
        "form": form,
        "page": page_of(request, rows),
        "is_filtered": any(wanted.get(name) for name in ("q", "tag", "owner", "group")),
        "archived": wanted.get("archived"),
    }
    return render(request, "tracker/experiments.html", context)


def matching(actor: Actor, wanted: dict[str, object]) -> QuerySet[Experiment]:
    """Experiments of this actor that match the cleaned filter form: by the API's own filters."""
    group = wanted.get("group")
    data = {name: wanted.get(name, "") for name in ("q", "tag", "owner")}
    data |= {"group": group.pk if group else "", "archived": str(bool(wanted.get("archived")))}
    return ExperimentFilter(data, queryset=actor.experiments()).qs
