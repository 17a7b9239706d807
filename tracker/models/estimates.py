"""Start estimates: what was said about a pending job, when, from facts how old, and what came."""

from __future__ import annotations

from django.db import models

from tracker.models.jobs import Job


class StartEstimate(models.Model):
    """Written by ``tracker.recording`` only. What was said is never changed; ``outcome`` and
    ``outcome_at`` are filled in once, when the attempt it speaks of has started or gone."""

    class Outcome(models.TextChoices):
        OPEN = "", "still waiting"
        STARTED = "started"
        CANCELLED = "cancelled"  # while it waited: a wait that is only known to be longer
        LEFT = "left"  # gone from the queue, and nobody has told how

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="estimates")
    issued_at = models.DateTimeField()
    snapshot_at = models.DateTimeField()
    p10_at = models.DateTimeField(null=True)
    p50_at = models.DateTimeField(null=True)
    p90_at = models.DateTimeField(null=True)
    p_within_10_min = models.FloatField(null=True)  # chance to start so soon after the snapshot
    finish_p50_at = models.DateTimeField(null=True)
    finish_p90_at = models.DateTimeField(null=True)
    later_than_horizon = models.JSONField(default=list)  # of "p10", "p50", "p90"
    horizon_s = models.PositiveIntegerField()
    replicas = models.PositiveIntegerField()
    method = models.CharField(max_length=32)
    how = models.TextField(blank=True)  # what the site's own record made of it, in words
    reason_class = models.CharField(max_length=1, blank=True)  # A-G; why no time can be given
    why = models.TextField(blank=True)
    nodes = models.TextField(blank=True)  # hostlist of the planned nodes
    slurm_start_at = models.DateTimeField(null=True)  # Slurm's own, from the same poll
    # How far p50_at lies from the one that was shown before it, and why; null: about there.
    moved_s = models.FloatField(null=True)
    moved_since = models.DateTimeField(null=True)  # when that one was issued
    moved_why = models.TextField(blank=True)
    is_newest = models.BooleanField(default=True)  # of its job; the rest is the record

    # What the record needs to know, as of the time of issue.
    submit_at = models.DateTimeField(null=True)  # of the attempt that it speaks of
    partition = models.CharField(max_length=1024, blank=True)  # as asked for then
    inputs_age_s = models.FloatField(null=True)  # of the oldest answer that it was made from
    is_of_array = models.BooleanField(default=False)  # about the first of several waiting tasks
    is_replayed = models.BooleanField(default=False)  # made later, from stored polls of that time
    # Its attempt's first estimate after so many minutes of waiting (0, 10, 60, 360): these are the
    # record that forecasts are judged by; null for those in between.
    milestone_minutes = models.PositiveSmallIntegerField(null=True)
    expects_queue = models.BooleanField(
        null=True
    )  # an earlier job waited in a partition of its own
    # What the replicas said before they were calibrated: the next calibration is fitted on these.
    raw_p10_at = models.DateTimeField(null=True)
    raw_p50_at = models.DateTimeField(null=True)
    raw_p90_at = models.DateTimeField(null=True)
    # What history alone would have said: quantiles of the recent waits of like jobs.
    history_p10_at = models.DateTimeField(null=True)
    history_p50_at = models.DateTimeField(null=True)
    history_p90_at = models.DateTimeField(null=True)

    outcome = models.CharField(max_length=9, choices=Outcome, blank=True, default=Outcome.OPEN)
    outcome_at = models.DateTimeField(null=True)  # its start; else when it was last known to wait

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["job"], condition=models.Q(is_newest=True), name="one_newest_estimate"
            ),
            models.UniqueConstraint(
                fields=["job", "submit_at", "milestone_minutes"],
                condition=models.Q(milestone_minutes__isnull=False),
                name="one_estimate_per_milestone",
            ),
        ]
        indexes = [
            models.Index(fields=["job", "-issued_at"]),
            models.Index(fields=["issued_at"]),
            models.Index(fields=["job"], condition=models.Q(outcome=""), name="estimate_open"),
            models.Index(
                fields=["issued_at"],
                condition=models.Q(milestone_minutes__isnull=False),
                name="estimate_of_record",
            ),
        ]

    def __str__(self) -> str:
        return f"estimate for {self.job} at {self.issued_at:%Y-%m-%d %H:%M}"
