"""Who did what, when, with which token: written in the same transaction as the deed."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    token_prefix = models.CharField(max_length=16, blank=True)
    verb = models.CharField(max_length=32)  # create, update, archive, cancel, issue, revoke, ...
    kind = models.CharField(max_length=32)  # experiment, run, token, group, ...
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-at"]
        verbose_name_plural = "audit trail"
        indexes = [models.Index(fields=["kind", "object_id"])]

    def __str__(self) -> str:
        return f"{self.verb} {self.kind} {self.object_id}"
