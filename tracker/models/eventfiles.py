"""How far the TensorBoard event files of runs were read into their curves."""

from __future__ import annotations

from django.db import models

from tracker.models.runs import Run


class EventReading(models.Model):
    """The looks that were taken at a run's files: when last, and what stood against it."""

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="event_reading"
    )
    read_at = models.DateTimeField()
    # read to its end after this attempt of the run had ended; null: not so far
    ended_attempt = models.PositiveIntegerField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.run}, at {self.read_at}"


class EventFile(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="event_files")
    path = models.CharField(max_length=1024)
    attempt = models.PositiveIntegerField()
    offset = models.PositiveBigIntegerField(default=0)  # bytes; what lies before was taken in
    points = models.PositiveBigIntegerField(default=0)
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="one_row_per_file")]

    def __str__(self) -> str:
        return self.path
