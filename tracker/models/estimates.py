"""Start estimates: what was said about a pending job, when, and from facts how old."""

from __future__ import annotations

from django.db import models

from tracker.models.jobs import Job


class StartEstimate(models.Model):
    """Written by ``recording.publish_estimates`` only, and never changed afterwards."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="estimates")
    issued_at = models.DateTimeField()
    snapshot_at = models.DateTimeField()
    p10_at = models.DateTimeField(null=True)
    p50_at = models.DateTimeField(null=True)
    p90_at = models.DateTimeField(null=True)
    later_than_horizon = models.JSONField(default=list)  # of "p10", "p50", "p90"
    horizon_s = models.PositiveIntegerField()
    replicas = models.PositiveIntegerField()
    method = models.CharField(max_length=32)
    reason_class = models.CharField(max_length=1, blank=True)  # A-G; why no time can be given
    why = models.TextField(blank=True)
    nodes = models.TextField(blank=True)  # hostlist of the planned nodes
    slurm_start_at = models.DateTimeField(null=True)  # Slurm's own, from the same poll
    is_newest = models.BooleanField(default=True)  # of its job; the rest is the record

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["job"], condition=models.Q(is_newest=True), name="one_newest_estimate"
            )
        ]
        indexes = [
            models.Index(fields=["job", "-issued_at"]),
            models.Index(fields=["issued_at"]),
        ]

    def __str__(self) -> str:
        return f"estimate for {self.job} at {self.issued_at:%Y-%m-%d %H:%M}"
