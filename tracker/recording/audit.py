from __future__ import annotations

from django.db import models

from tracker.models import Actor, AuditEntry


def audit(actor: Actor, verb: str, obj: models.Model, **detail: object) -> AuditEntry:
    """Who did what to which thing; call it inside the transaction of the deed."""
    return AuditEntry.objects.create(
        user=actor.user,
        token_prefix=actor.token.prefix if actor.token else "",
        verb=verb,
        kind=obj._meta.model_name,
        object_id=str(obj.pk),
        detail=detail,
    )
