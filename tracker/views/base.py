"""What every page needs: whose data it may show, and the site's state for the base template."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from tracker.models import Actor, Cluster, Experiment
from tracker.models.polls import queue_as_of

ROWS_PER_PAGE = 50


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in user of a page; pages take no tokens."""
    return Actor(request.user)


def site(request: HttpRequest) -> dict[str, object]:
    """Context of base.html: the clusters and the age of what is known of each, and whether this
    is the demo."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {"is_demo": Cluster.objects.filter(is_demo=True).exists()}
    clusters = list(Cluster.objects.annotate(queue_as_of=queue_as_of()))
    demo = next((cluster for cluster in clusters if cluster.is_demo), None)
    return {"clusters": clusters, "is_demo": demo is not None, "demo": demo}


def public_url(request: HttpRequest) -> str:
    """Where jobs reach this service: the configured address, else the one of this request."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def editable_experiment(actor: Actor, pk: int) -> Experiment:
    """404 where the actor may not see it, 403 where it may only read."""
    experiment = get_object_or_404(actor.experiments(), pk=pk)
    if not actor.editable_experiments().filter(pk=pk).exists():
        raise PermissionDenied(
            f"You may read the experiment “{experiment}” but not change it. "
            "Ask an owner of its group to make you a member."
        )
    return experiment


def owned_experiment(actor: Actor, pk: int) -> Experiment:
    """404 where the actor may not see it, 403 where it is not an owner of it or of its group."""
    experiment = get_object_or_404(actor.experiments(), pk=pk)
    if not actor.owned_experiments().filter(pk=pk).exists():
        raise PermissionDenied(
            f"Only the owner of “{experiment}”, owners of its group and staff archive it."
        )
    return experiment


def page_of(request: HttpRequest, rows: QuerySet) -> Page:
    """The page that ``?page=`` asks for; the first or last where it asks for nonsense."""
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
