from __future__ import annotations

from django.db import transaction

from tracker.models import Actor, Cluster
from tracker.recording.audit import audit


def set_polling_paused(cluster: Cluster, paused: bool, *, actor: Actor) -> bool:
    """Pause or resume the polls of a cluster; False where they already stand so."""
    with transaction.atomic():
        others = Cluster.objects.filter(pk=cluster.pk).exclude(polling_paused=paused)
        if not others.update(polling_paused=paused):
            return False
        cluster.polling_paused = paused
        audit(actor, "pause" if paused else "resume", cluster, name=cluster.name)
        return True
