"""Who appends to which run: what each logged metric asks first, answered by one statement."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from tracker.api.aliases import run_to_log_to
from tracker.api.authentication import USE_NOTED_EVERY, Credential, credential_of
from tracker.api.plain import signed_in
from tracker.api.throttling import caller_of, check_rate
from tracker.models import Actor, Experiment, Run, Token
from tracker.models.tokens import PREFIX_LENGTH
from tracker.statements import read_row

_User = get_user_model()
# What Actor's rules look at, in the order of the models' own fields: ``from_db`` goes by it.
_READ: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (Token, "token", ("id", "user_id", "scope", "experiment_id", "run_id", "submission_id",
                      "sha256")),
    (_User, "holder", ("id", "is_staff")),
    (Run, "run", ("id", "experiment_id", "submission_id", "attempt")),
    (Experiment, "experiment", ("id", "owner_id")),
)  # fmt: skip
# By hand and in one: Django's way to the four rows costs four times what storing a point does.
_SELECT = f"""
SELECT {", ".join(f"{alias}.{name}" for _, alias, names in _READ for name in names)}
FROM {Token._meta.db_table} AS token
JOIN {_User._meta.db_table} AS holder ON holder.id = token.user_id
JOIN {Run._meta.db_table} AS run ON run.id = %(run)s
JOIN {Experiment._meta.db_table} AS experiment ON experiment.id = run.experiment_id
WHERE token.prefix = %(prefix)s AND token.scope <> '{Token.Scope.SIGNIN}'
    AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > %(now)s)
    AND token.last_used_at >= %(noted_since)s AND holder.is_active AND run.deleted_at IS NULL
"""  # noqa: S608


def run_to_append_to(request: HttpRequest, run_id: str) -> Run:
    """The run, once its caller is known, counted against their rate, and may log to it.

    One statement answers for nearly all. A session, whatever is refused, and a token's first use
    in a minute are gone through step by step, as everywhere.
    """
    credential = credential_of(request)
    if credential and (known := _known(credential, run_id, timezone.now())):
        actor, run = known
        if actor.may_log_to(run):
            check_rate(*caller_of(actor))
            return run
    actor = signed_in(request)
    if actor.scope == Token.Scope.WEBHOOK:
        raise PermissionDenied("A token of scope webhook reaches /webhooks/slurm only.")
    return run_to_log_to(actor, run_id)


def _known(credential: Credential, run_id: str, now: datetime) -> tuple[Actor, Run] | None:
    """Who holds a live token whose use was noted lately, and a run that is not deleted."""
    if not credential.secret.isprintable():
        return None  # it may hold a NUL, which PostgreSQL refuses to compare
    stored = connection.ops.adapt_datetimefield_value
    row = read_row(
        _SELECT,
        {
            "run": run_id,
            "prefix": credential.secret[:PREFIX_LENGTH],
            "now": stored(now),
            "noted_since": stored(now - USE_NOTED_EVERY),
        },
    )
    if row is None:
        return None
    token, holder, run, run.experiment = _models(iter(row))
    digest = hashlib.sha256(credential.secret.encode()).hexdigest()
    return (Actor(holder, token), run) if hmac.compare_digest(token.sha256, digest) else None


def _models(values: Iterator[Any]) -> Iterator[Any]:
    for model, _, names in _READ:
        yield model.from_db(DEFAULT_DB_ALIAS, names, [next(values) for _ in names])
