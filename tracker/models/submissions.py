"""Submissions: what was sent to sbatch for one run, or for the runs of one array."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from tracker.models.clusters import Cluster
from tracker.models.experiments import Experiment

# Of a sweep the script names every run: lists of its runs must not carry it a thousand times.
SCRIPT_OF_RUN = "submission__script"
MARK = "queuecast:"  # begins the comment of every job that Queuecast submits


class Submission(models.Model):
    """Frozen when it is made, and claimed before Slurm is asked: a crash never makes two jobs."""

    class State(models.TextChoices):
        WAITING = "waiting", "to be sent"
        CLAIMED = "claimed", "being sent, or nobody knows yet whether it was"
        SENT = "sent", "Slurm has it"
        REFUSED = "refused", "Slurm said no"
        UNCLEAR = "unclear", "a person must say whether Slurm has it"
        WITHDRAWN = "withdrawn", "taken back before it was sent"

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="submissions")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT)
    unix_name = models.CharField(max_length=64)  # as whom
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    # the asker's own: the same key again is the same submission
    key = models.CharField(max_length=64)

    request = models.JSONField()  # tracker.slurm.batch.BatchOptions by field, what is set of it
    script = models.TextField()
    # as started, secrets only by name; what slurmrestd is sent stands in request and script
    argv = models.JSONField(default=list)
    mark = models.CharField(max_length=64, unique=True)  # of its first run; the job's --comment

    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    tries = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    slurm_job_id = models.PositiveBigIntegerField(null=True)  # of an array its own
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "key"], name="one_submission_per_key")
        ]
        indexes = [
            models.Index(fields=["state"]),
            models.Index(fields=["cluster", "slurm_job_id"]),
        ]

    def __str__(self) -> str:
        return f"submission {self.pk} of {self.experiment}"
