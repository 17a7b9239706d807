"""Metric points in a narrow table and in sealed chunks, and one summary row per (run, name).

A value is kept as the 64 bits of its IEEE 754 double, read as a signed integer: SQLite would
turn NaN into NULL, and a unique constraint must tell NaN, -0.0 and the infinities apart exactly.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from tracker.models.runs import Run

LOOSE_WORTH_SEALING = 64  # points: below it a chunk of a series that is quiet saves nothing
_NO_CLIENT_TIME = -(2**63)  # in the index only: no clock says it


class MetricSeries(models.Model):
    """What is known of one metric of one run without reading its points."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=250)
    last_step = models.BigIntegerField(null=True)
    last_bits = models.BigIntegerField(null=True)
    # of ``last_bits`` where finite: to sort and filter by
    last_value = models.FloatField(null=True)
    last_attempt = models.PositiveIntegerField(default=0)
    min_value = models.FloatField(null=True)  # over finite values
    max_value = models.FloatField(null=True)
    count = models.PositiveBigIntegerField(default=0)
    non_finite_count = models.PositiveBigIntegerField(default=0)
    # points that came since the series was last sealed and are in no full chunk
    loose = models.PositiveBigIntegerField(default=0)
    updated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "metric series"
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_series_per_name")]
        indexes = [
            models.Index(fields=["name", "last_value"]),
            models.Index(
                fields=["loose"],
                condition=Q(loose__gte=LOOSE_WORTH_SEALING),
                name="series_to_seal",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class MetricPoint(models.Model):
    # The identity's index begins with the series: another would only slow appends down.
    series = models.ForeignKey(
        MetricSeries, on_delete=models.CASCADE, related_name="points", db_index=False
    )
    attempt = models.PositiveIntegerField()
    step = models.BigIntegerField()
    value_bits = models.BigIntegerField()
    client_us = models.BigIntegerField(null=True)  # the client's own time, epoch microseconds
    received_us = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            # the identity of a point, and the way to a stretch of steps
            models.UniqueConstraint(
                "series",
                "step",
                "attempt",
                "value_bits",
                Coalesce("client_us", _NO_CLIENT_TIME),
                name="point_stored_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.series} at step {self.step}"


class MetricChunk(models.Model):
    """A sealed stretch of a series' points, as ``tracker.metrics.chunk_columns`` packs them."""

    series = models.ForeignKey(
        MetricSeries, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    attempt = models.PositiveIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    count = models.PositiveIntegerField()
    columns = models.BinaryField()

    class Meta:
        ordering = ["id"]  # of one step and attempt the earlier chunk's points came first
        indexes = [models.Index(fields=["series", "first_step"])]

    def __str__(self) -> str:
        return f"{self.series}, steps {self.first_step} to {self.last_step}"
