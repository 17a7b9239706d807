"""Which cluster a command means."""

from __future__ import annotations

from django.core.management.base import CommandError

from tracker.models import Cluster


def chosen_cluster(name: str | None) -> Cluster:
    """The named cluster, or the only one; CommandError saying what to give."""
    known = list(Cluster.objects.all())
    names = ", ".join(cluster.name for cluster in known)
    if name is not None:
        for cluster in known:
            if cluster.name == name:
                return cluster
        raise CommandError(f'no cluster "{name}"; known: {names or "none, add one in the admin"}')
    if len(known) == 1:
        return known[0]
    if not known:
        raise CommandError("there is no cluster yet; add one in the admin, or start manage.py up")
    raise CommandError(f"several clusters; give --cluster with one of: {names}")
