"""Forecasts as work: a row is asked for, claimed by one worker, and done or failed."""

from __future__ import annotations

from django.db import models
from tracker.models import Cluster


class Forecast(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="forecasts")
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    tries = models.PositiveIntegerField(default=0)
    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    snapshot_at = models.DateTimeField(null=True)  # age of the facts it was made from
    replicas = models.PositiveIntegerField(default=1)
    seed = models.PositiveBigIntegerField(default=0)
    horizon_s = models.PositiveIntegerField(default=86_400)
    jobs = models.PositiveIntegerField(default=0)
    cpu_s = models.FloatField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["cluster", "state", "-requested_at"])]

    def __str__(self) -> str:
        return f"forecast for {self.cluster}, {self.state}"
