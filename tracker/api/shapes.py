"""Bodies that are checked by hand (``bodies``), described for the OpenAPI schema."""

from __future__ import annotations

from typing import NoReturn

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers


class OneOf(serializers.ChoiceField):
    """A choice whose refusal names what can be chosen."""

    default_error_messages = {"invalid_choice": "“{input}” will not do: give one of {choices}."}

    def fail(self, key: str, **said: object) -> NoReturn:
        super().fail(key, choices=", ".join(map(str, self.choices)), **said)


class NewRunShape(serializers.Serializer):
    slurm_job_id = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=9_999_999_999,
        help_text="SLURM_JOB_ID, as a number or a string; null outside of Slurm: always a new run",
    )
    seed = serializers.IntegerField(
        required=False, allow_null=True, min_value=-(2**63), max_value=2**63 - 1
    )
    config = serializers.DictField(required=False, allow_null=True)
    key = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=120,
        help_text="tells apart runs that are alike in job, seed and configuration",
    )
    name = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=200,
        help_text="what people call the run; a repeated create does not change it",
    )
    cluster = serializers.CharField(
        required=False, allow_null=True, help_text="name; needed where there are several"
    )


class RunIdShape(serializers.Serializer):
    run_id = serializers.CharField(help_text="32 hex digits")


class RunsChangedShape(serializers.Serializer):
    runs = serializers.IntegerField(help_text="how many were not so before")


@extend_schema_field(OpenApiTypes.ANY)
class MetricValueField(serializers.Field):
    """A number, or one of the strings NaN, Infinity, -Infinity."""


class PointShape(serializers.Serializer):
    name = serializers.CharField(max_length=250)
    value = MetricValueField(
        help_text='a number, or one of the strings "NaN", "Infinity", "-Infinity"'
    )
    step = serializers.IntegerField(
        required=False, default=0, min_value=-(2**63), max_value=2**63 - 1
    )
    time = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="the client's own time: epoch seconds, or ISO 8601 with an offset",
    )
    attempt = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=999_999,
        help_text="SLURM_RESTART_COUNT; left out: the run's present attempt",
    )


class StoredShape(serializers.Serializer):
    stored = serializers.IntegerField(help_text="points that were not there before")


class CurveShape(serializers.Serializer):
    name = serializers.CharField()
    step = serializers.ListField(child=serializers.IntegerField())
    time = serializers.ListField(child=serializers.FloatField(), help_text="epoch seconds")
    value = serializers.ListField(child=MetricValueField())


POINTS = PolymorphicProxySerializer(
    "Points",
    serializers=[PointShape, PointShape(many=True)],
    resource_type_field_name=None,
    many=False,
)
