"""Metric points in a narrow table, and one summary row per (run, name).

A value is kept as the 64 bits of its IEEE 754 double, read as a signed integer: SQLite would
turn NaN into NULL, and a unique constraint must tell NaN, -0.0 and the infinities apart exactly.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tracker.models.runs import Run


class MetricSeries(models.Model):
    """What is known of one metric of one run without reading its points."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=250)
    last_step = models.BigIntegerField(null=True)
    last_bits = models.BigIntegerField(null=True)
    last_value = models.FloatField(
        null=True
    )  # of ``last_bits`` where finite: to sort and filter by
    last_attempt = models.PositiveIntegerField(default=0)
    min_value = models.FloatField(null=True)  # over finite values
    max_value = models.FloatField(null=True)
    count = models.PositiveBigIntegerField(default=0)
    non_finite_count = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "metric series"
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_series_per_name")]
        indexes = [models.Index(fields=["name", "last_value"])]

    def __str__(self) -> str:
        return self.name


class MetricPoint(models.Model):
    series = models.ForeignKey(MetricSeries, on_delete=models.CASCADE, related_name="points")
    attempt = models.PositiveIntegerField()
    step = models.BigIntegerField()
    value_bits = models.BigIntegerField()
    client_us = models.BigIntegerField(null=True)  # the client's own time, epoch microseconds
    received_us = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            # the identity of a point: a repeat is not stored twice
            models.UniqueConstraint(
                fields=["series", "attempt", "step", "value_bits"],
                condition=Q(client_us=None),
                name="point_without_client_time",
            ),
            models.UniqueConstraint(
                fields=["series", "attempt", "step", "value_bits", "client_us"],
                condition=Q(client_us__isnull=False),
                name="point_with_client_time",
            ),
        ]
        indexes = [models.Index(fields=["series", "step"])]

    def __str__(self) -> str:
        return f"{self.series} at step {self.step}"


class MetricChunk(models.Model):
    """A sealed stretch of a series' points, as columns; its points are no rows any more."""

    series = models.ForeignKey(MetricSeries, on_delete=models.CASCADE, related_name="chunks")
    attempt = models.PositiveIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    count = models.PositiveIntegerField()
    columns = models.BinaryField()

    class Meta:
        ordering = ["first_step", "id"]
        indexes = [models.Index(fields=["series", "first_step"])]

    def __str__(self) -> str:
        return f"{self.series}, steps {self.first_step} to {self.last_step}"
