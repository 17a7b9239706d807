from __future__ import annotations

from collections.abc import Sequence

from django.db import models

from tracker.models import Actor, AuditEntry


def audit(actor: Actor, verb: str, obj: models.Model, **detail: object) -> AuditEntry:
    """Who did what to which thing; call it inside the transaction of the deed."""
    entry = _entry(actor, verb, obj, detail)
    entry.save()
    return entry


def audit_each(actor: Actor, verb: str, objs: Sequence[models.Model], **detail: object) -> None:
    """The same deed on many things: an entry for each."""
    AuditEntry.objects.bulk_create([_entry(actor, verb, obj, detail) for obj in objs])


def _entry(actor: Actor, verb: str, obj: models.Model, detail: dict[str, object]) -> AuditEntry:
    return AuditEntry(
        user=actor.user,
        token_prefix=actor.token.prefix if actor.token else "",
        verb=verb,
        kind=obj._meta.model_name,
        object_id=str(obj.pk),
        detail=detail,
    )
