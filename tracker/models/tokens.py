"""API tokens: a short prefix to find the row, 160 random bits, one SHA-256, shown once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tracker.models.clusters import Cluster
from tracker.models.experiments import Experiment
from tracker.models.runs import Run
from tracker.models.submissions import Submission

PREFIX_LENGTH = 8


class TokenQuerySet(models.QuerySet["Token"]):
    def live(self, now: datetime) -> TokenQuerySet:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class Token(models.Model):
    class Scope(models.TextChoices):
        RUN = "run", "create and log runs of one experiment"
        USER = "user", "everything its user may do"
        READ = "read", "everything its user may see"
        WEBHOOK = "webhook", "tell that a job has ended"
        SIGNIN = "signin", "sign in once in a browser"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    label = models.CharField(max_length=120, blank=True)
    scope = models.CharField(max_length=8, choices=Scope)
    experiment = models.ForeignKey(Experiment, null=True, blank=True, on_delete=models.CASCADE)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.CASCADE)
    # of a started job: its runs, and those that it makes itself
    submission = models.ForeignKey(
        Submission, null=True, blank=True, on_delete=models.CASCADE, editable=False
    )
    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.CASCADE)
    prefix = models.CharField(max_length=PREFIX_LENGTH, unique=True, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = TokenQuerySet.as_manager()
    # The name that came with the secret, where it was a password: a started job names its run so.
    presented_by = ""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="run_token_names_its_target",
                condition=~Q(scope="run") | Q(experiment__isnull=False) | Q(run__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.scope})"

    @classmethod
    def issue(
        cls, *, user: models.Model, scope: str, lifetime: timedelta | None = None, **target: object
    ) -> tuple[Token, str]:
        """A new token and its secret, which is stored nowhere and cannot be shown again."""
        prefix, rest = secrets.token_hex(PREFIX_LENGTH // 2), secrets.token_urlsafe(20)
        secret = f"{prefix}{rest}"
        token = cls.objects.create(
            user=user,
            scope=scope,
            prefix=prefix,
            sha256=hashlib.sha256(secret.encode()).hexdigest(),
            expires_at=timezone.now() + lifetime if lifetime else None,
            **target,
        )
        return token, secret

    @classmethod
    def find(cls, secret: str) -> Token | None:
        """The token with this secret, expired and revoked ones too; None if there is none."""
        digest = hashlib.sha256(secret.encode()).hexdigest()
        # Every request of a program asks this: to compile one join takes three times as long.
        for token in _one(cls, "prefix", secret[:PREFIX_LENGTH]):
            if hmac.compare_digest(token.sha256, digest):
                [token.user] = _one(get_user_model(), "id", token.user_id)
                return token
        return None

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


def _one(model: type[models.Model], column: str, value: object) -> models.query.RawQuerySet:
    table = model._meta.db_table
    return model._default_manager.raw(f"SELECT * FROM {table} WHERE {column} = %s", [value])  # noqa: S608
