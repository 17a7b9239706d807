"""What every page needs: whose data it may show, and the site's state for the base template."""

from __future__ import annotations

from django.http import HttpRequest

from tracker.models import Actor, Cluster


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in user of a page; pages take no tokens."""
    return Actor(request.user)


def site(request: HttpRequest) -> dict[str, object]:
    """Context of base.html: the clusters to switch between, and whether this is the demo."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    clusters = list(Cluster.objects.all())
    return {"clusters": clusters, "is_demo": any(cluster.is_demo for cluster in clusters)}
