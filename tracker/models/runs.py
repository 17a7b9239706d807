"""Runs: one training with one seed and one configuration."""

from __future__ import annotations

import secrets
import time

from django.conf import settings
from django.db import models
from django.urls import reverse

from tracker.models.clusters import Cluster
from tracker.models.experiments import Experiment
from tracker.models.jobs import Job
from tracker.models.submissions import Submission
from tracker.slurm.states import RunStatus


def new_run_id() -> str:
    """32 hex digits of a UUIDv7 (RFC 9562): sorts by creation time."""
    millis = time.time_ns() // 1_000_000
    number = (millis << 80) | secrets.randbits(80)
    number = number & ~(0xF << 76) | (0x7 << 76)
    number = number & ~(0x3 << 62) | (0x2 << 62)
    return f"{number:032x}"


class Run(models.Model):
    Status = models.TextChoices("Status", [status.name for status in RunStatus])

    OPEN = (
        Status.CREATED,
        Status.SUBMITTING,
        Status.PENDING,
        Status.RUNNING,
        Status.SUSPENDED,
        Status.UNKNOWN,
    )

    id = models.CharField(max_length=32, primary_key=True, default=new_run_id, editable=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    cluster = models.ForeignKey(Cluster, null=True, blank=True, on_delete=models.PROTECT)
    slurm_job_id = models.PositiveBigIntegerField(null=True, blank=True)
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    # what started it, where Queuecast did; of an array which task it is
    submission = models.ForeignKey(
        Submission, null=True, blank=True, on_delete=models.RESTRICT, related_name="runs"
    )
    array_task_id = models.PositiveBigIntegerField(null=True, blank=True)
    announced_at = models.DateTimeField(null=True, blank=True, editable=False)  # by its own job
    # a person's wish, and when scancel was given it; how the job ended is Slurm's to tell
    cancel_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    cancel_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    name = models.CharField(max_length=200, blank=True)  # a person's; empty: known by its id
    notes = models.TextField(blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    # deleted runs are shown to nobody but in the list they can be restored from, and purged later
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    seed = models.BigIntegerField(null=True, blank=True)
    # where it keeps its files, as it was started with; empty where it was started elsewhere
    folder = models.CharField(max_length=1024, blank=True, editable=False)
    # what its client saw where it runs: git commit, argv, host, GPUs, chosen environment
    surroundings = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True)
    config_sha256 = models.CharField(max_length=64, editable=False)
    key = models.CharField(max_length=120, blank=True)
    # SHA-256 over (experiment, cluster, job id, seed, config, key); null = never the same run
    create_key = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001

    status = models.CharField(max_length=16, choices=Status, default=Status.CREATED)
    reason = models.CharField(max_length=255, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    exit_code = models.IntegerField(null=True, blank=True)
    message = models.TextField(blank=True)
    # the run's own last word (PATCH) was given before its job's end, and stands
    closed_by_client = models.BooleanField(default=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["cluster", "slurm_job_id"]),
            models.Index(fields=["status"]),
            models.Index(fields=["experiment", "-id"]),
            models.Index(
                fields=["deleted_at"],
                condition=models.Q(deleted_at__isnull=False),
                name="run_deleted",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class RunTag(models.Model):
    """``name`` alone is a word; with a ``value``, a word about something: ``dataset: c4``."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=250)
    value = models.CharField(max_length=8000, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_tag_per_name")]
        indexes = [models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}" if self.value else self.name


class SavedView(models.Model):
    """How somebody looks at runs: the query of the runs page's address, under a name."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    experiment = models.ForeignKey(
        Experiment, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=120)
    query = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "experiment", "name"], name="one_view_per_name"
            ),
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=models.Q(experiment=None),
                name="one_view_per_name_of_all",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Artifact(models.Model):
    """A file or folder on shared storage that a run told of. Only the path is kept."""

    class Kind(models.TextChoices):
        CHECKPOINT = "checkpoint"
        ARTIFACT = "artifact"
        LOG = "log"
        TENSORBOARD = "tensorboard"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.ARTIFACT)
    path = models.CharField(max_length=1024)
    # whose word it is: files are opened on that of the job's own user only
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "kind", "path"], name="artifact_told_once")
        ]

    def __str__(self) -> str:
        return self.path
