"""The cluster that a command is about."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.db import DatabaseError

from tracker.models import Cluster


def the_cluster(name: str | None) -> Cluster:
    """The named one, or the only one. CommandError with those that there are."""
    try:
        clusters = list(Cluster.objects.filter(**({} if name is None else {"name": name}))[:2])
        known = ", ".join(Cluster.objects.values_list("name", flat=True)) or "none yet"
    except DatabaseError as error:
        raise CommandError(
            f"the database cannot be read ({error}); start the service once with manage.py up,"
            " or name a capture folder with --capture DIR"
        ) from error
    if len(clusters) == 1:
        return clusters[0]
    if name is not None:
        raise CommandError(f"no cluster is called {name!r}; known: {known}")
    raise CommandError(f"which cluster? Give --cluster NAME (known: {known}) or --capture DIR")
