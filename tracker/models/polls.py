"""Polls: the raw output of every Slurm command we ran, and when we learned it."""

from __future__ import annotations

import zlib

from django.db import models

from tracker.models.clusters import Cluster


class Poll(models.Model):
    """One command run once. A failed poll is a row too: pages show the age of the last good one."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="polls")
    command = models.CharField(max_length=32)  # name in tracker.slurm.commands
    argv = models.JSONField(default=list)
    started_at = models.DateTimeField()
    seconds = models.FloatField()
    rc = models.IntegerField(null=True)  # null: it never answered
    ok = models.BooleanField()  # answered, parsed and recorded
    error = models.TextField(blank=True)
    raw = models.BinaryField()  # zlib; empty where nothing came
    raw_size = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["cluster", "command", "ok", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.command} of {self.cluster} at {self.started_at:%Y-%m-%d %H:%M:%S}"

    @property
    def text(self) -> str:
        return zlib.decompress(bytes(self.raw)).decode() if self.raw else ""

    @staticmethod
    def compress(text: str) -> bytes:
        return zlib.compress(text.encode(), 6)


def queue_as_of() -> models.Subquery:
    """For a query of clusters: when the last good poll of the queue was."""
    good = Poll.objects.filter(cluster=models.OuterRef("pk"), command="squeue", ok=True)
    return models.Subquery(good.order_by("-started_at").values("started_at")[:1])


class PollClaim(models.Model):
    """Who may ask now: a worker takes the claim of (cluster, command) by moving ``until`` forward.

    ``until`` in the past is a claim given back, or one whose worker has died.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    command = models.CharField(max_length=32)
    until = models.DateTimeField()
    holder = models.CharField(max_length=300, blank=True)  # host, pid and start of the process

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cluster", "command"], name="one_claim_per_command")
        ]

    def __str__(self) -> str:
        return f"{self.command} of {self.cluster}"


class HistoryImport(models.Model):
    """How far a file of sacct's output has been brought in: a repeated import goes on there."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of the header and the first rows
    source = models.CharField(max_length=1024)  # as it was called the last time
    lines_done = models.PositiveBigIntegerField(default=0)  # committed, the header not counted
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the header and those lines
    begun_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-begun_at"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "fingerprint"], name="one_import_per_file")
        ]

    def __str__(self) -> str:
        return f"{self.source} into {self.cluster}"
