"""The list of experiments: filter, search, sort, page."""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Max, Q, QuerySet, TextField
from django.db.models.functions import Cast, Lower
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

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
    rows = matching(actor, wanted).select_related("owner", "group")
    rows = rows.annotate(
        run_count=Count("runs"),
        open_count=Count("runs", filter=Q(runs__status__in=[*Run.OPEN])),
        last_run=Max("runs__created_at"),
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
    """Experiments of this actor that match the cleaned filter form."""
    rows = actor.experiments().filter(archived_at__isnull=not wanted.get("archived"))
    rows = rows.annotate(tags_text=Cast("tags", TextField()))
    if text := wanted.get("q"):
        rows = rows.filter(
            Q(name__icontains=text)
            | Q(description__icontains=text)
            | Q(owner__username__icontains=text)
            | _tagged(text, whole=False)
        )
    if tag := wanted.get("tag"):
        rows = rows.filter(_tagged(tag, whole=True))
    if owner := wanted.get("owner"):
        rows = rows.filter(owner__username=owner)
    if group := wanted.get("group"):
        rows = rows.filter(group=group)
    return rows


def _tagged(text: str, *, whole: bool) -> Q:
    # SQLite keeps JSON as written, with non-ASCII letters escaped; PostgreSQL prints them plain.
    spellings = (json.dumps(text), json.dumps(text, ensure_ascii=False))
    if not whole:
        spellings = tuple(spelling[1:-1] for spelling in spellings)
    return Q(tags_text__icontains=spellings[0]) | Q(tags_text__icontains=spellings[1])
