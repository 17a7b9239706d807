"""Runs, their own words, and their artifacts as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tracker.api.shapes import MetricValueField
from tracker.metrics.points import json_value, value_of
from tracker.models import Artifact, MetricSeries, Run

Status = Run.Status
PATH_BYTES = 2_000  # a path is part of an index, whose entries PostgreSQL limits to 2,704 bytes


class RunEstimateSerializer(serializers.Serializer):
    """A time is null where it lies beyond the horizon (then ``later_than_horizon`` names it), where
    the method tells none, and where none can be given (then ``why`` says why)."""

    p10 = serializers.DateTimeField(source="p10_at", allow_null=True)
    p50 = serializers.DateTimeField(source="p50_at", allow_null=True)
    p90 = serializers.DateTimeField(source="p90_at", allow_null=True)
    p_within_10_min = serializers.FloatField(allow_null=True, help_text="from snapshot_at on")
    finish_p50 = serializers.DateTimeField(source="finish_p50_at", allow_null=True)
    finish_p90 = serializers.DateTimeField(source="finish_p90_at", allow_null=True)
    issued_at = serializers.DateTimeField()
    snapshot_at = serializers.DateTimeField()
    later_than_horizon = serializers.ListField(child=serializers.CharField())
    horizon_s = serializers.IntegerField(help_text="how far ahead was simulated")
    replicas = serializers.IntegerField()
    method = serializers.CharField(help_text="plan or ensemble")
    how = serializers.CharField(help_text="what the cluster's own record changed, in words")
    reason_class = serializers.CharField()
    why = serializers.CharField()
    moved_s = serializers.FloatField(
        allow_null=True, help_text="p50 against the one told before; null: about the same"
    )
    moved_since = serializers.DateTimeField(allow_null=True, help_text="when that one was issued")
    moved_why = serializers.CharField()


class RunSerializer(serializers.ModelSerializer):
    run_id = serializers.CharField(source="pk")
    experiment_id = serializers.IntegerField()
    cluster = serializers.SlugRelatedField("name", read_only=True)
    estimate = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()
    parent = serializers.CharField(source="parent_id", allow_null=True)

    class Meta:
        model = Run
        fields = [
            "run_id",
            "experiment_id",
            "status",
            "reason",
            "attempt",
            "cluster",
            "slurm_job_id",
            "array_task_id",
            "name",
            "seed",
            "config",
            "key",
            "tags",
            "notes",
            "parent",
            "submitted_at",
            "started_at",
            "ended_at",
            "exit_code",
            "message",
            "cancel_asked_at",
            "archived_at",
            "deleted_at",
            "estimate",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    def get_tags(self, run: Run) -> dict[str, str]:
        return {tag.name: tag.value for tag in run.tags.all()}

    @extend_schema_field(RunEstimateSerializer(allow_null=True))
    def get_estimate(self, run: Run) -> dict[str, Any] | None:
        """Of the start that is still awaited; null once it is not."""
        if run.status != Status.PENDING or run.job is None:
            return None
        newest = run.job.newest_estimates  # type: ignore[attr-defined]
        return RunEstimateSerializer(newest[0]).data if newest else None


class ListedRunSerializer(RunSerializer):
    values = serializers.DictField(
        child=MetricValueField(), required=False, help_text="by key, of the columns asked for"
    )

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "values"]
        read_only_fields = RunSerializer.Meta.fields


class SeriesSerializer(serializers.ModelSerializer):
    last_value = serializers.SerializerMethodField()
    min = serializers.FloatField(source="min_value")
    max = serializers.FloatField(source="max_value")

    class Meta:
        model = MetricSeries
        fields = ["name", "last_step", "last_value", "min", "max", "count", "non_finite_count"]
        read_only_fields = fields

    @extend_schema_field(MetricValueField(allow_null=True))
    def get_last_value(self, series: MetricSeries) -> float | str | None:
        return None if series.last_bits is None else json_value(value_of(series.last_bits))


class RunDetailSerializer(RunSerializer):
    metrics = SeriesSerializer(source="series", many=True, read_only=True)

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "surroundings", "metrics"]
        read_only_fields = fields


class ArtifactSerializer(serializers.ModelSerializer):
    class Meta:
        model = Artifact
        fields = ["kind", "path", "created_at"]
        extra_kwargs = {"kind": {"default": Artifact.Kind.ARTIFACT}}

    def validate_path(self, path: str) -> str:
        if (size := len(path.encode())) > PATH_BYTES:
            raise serializers.ValidationError(f"Give at most {PATH_BYTES} bytes; it has {size}.")
        return path
