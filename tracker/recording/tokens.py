from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from tracker.models import Actor, Token
from tracker.recording.audit import audit


def issue_token(
    *,
    actor: Actor,
    user: AbstractBaseUser,
    scope: str,
    lifetime: timedelta | None = None,
    **target: object,
) -> tuple[Token, str]:
    """A new token of ``user`` and its secret, which is told only here."""
    with transaction.atomic():
        token, secret = Token.issue(user=user, scope=scope, lifetime=lifetime, **target)
        audit(actor, "issue", token, prefix=token.prefix, scope=scope, user=user.get_username())
        return token, secret


def revoke_token(token: Token, *, actor: Actor, at: datetime) -> None:
    """From now on refused; the row stays, so that the audit trail can be read."""
    with transaction.atomic():
        if Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
            audit(actor, "revoke", token, prefix=token.prefix)
