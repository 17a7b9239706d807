"""/api/v1/compare: curves of several runs as columns, one chart a metric."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView
from tracker.api.problems import bad_field
from tracker.api.shapes import MetricValueField, OneOf
from tracker.comparing.chosen import (
    Chosen,
    chosen_by_id,
    chosen_of_experiment,
    chosen_of_submission,
    label_of,
)
from tracker.models import Actor, Run

METRICS_MAX = 24
POINTS_MAX = 2_000  # of a curve; more than a wide screen has pixels
ID = {"min_value": 1, "max_value": 2**63 - 1}


class FiniteField(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            raise serializers.ValidationError("Give a finite number.")
        return number


class CompareQuery(serializers.Serializer):
    """The defaults of what a chart looks like are ``comparing.looks.Look``'s."""

    runs = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="ids, one by one or with commas"
    )
    experiment = serializers.IntegerField(required=False, **ID, help_text="its newest runs")
    submission = serializers.IntegerField(required=False, **ID, help_text="the runs of one start")
    metric = serializers.ListField(
        child=serializers.CharField(max_length=250, trim_whitespace=False),
        min_length=1,
        max_length=METRICS_MAX,
    )
    x = OneOf(["step", "time", "relative"], required=False)
    smoothing = FiniteField(
        required=False, min_value=0, max_value=0.999, help_text="weight of the moving average"
    )
    group_by = serializers.ListField(
        child=serializers.CharField(max_length=250),
        required=False,
        help_text="config (every setting but the seed) or config.NAME: the mean of those alike",
    )
    band = OneOf(["range", "std"], required=False)
    from_x = FiniteField(required=False)
    to_x = FiniteField(required=False)
    max_points = serializers.IntegerField(required=False, min_value=4, max_value=POINTS_MAX)


class ComparedRunShape(serializers.Serializer):
    run_id = serializers.CharField()
    label = serializers.CharField()
    status = serializers.CharField()
    is_open = serializers.BooleanField()


class SeriesRowShape(serializers.Serializer):
    run_id = serializers.CharField()
    last = MetricValueField(allow_null=True)
    last_step = serializers.IntegerField(allow_null=True)
    min = serializers.FloatField(allow_null=True)
    max = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()
    non_finite_count = serializers.IntegerField()


class RunLineShape(serializers.Serializer):
    run_id = serializers.CharField()
    x = serializers.ListField(child=serializers.FloatField())
    value = serializers.ListField(child=MetricValueField())
    smoothed = serializers.ListField(child=serializers.FloatField(allow_null=True), allow_null=True)


class GroupLineShape(serializers.Serializer):
    label = serializers.CharField()
    run_ids = serializers.ListField(child=serializers.CharField())
    x = serializers.ListField(child=serializers.FloatField())
    mean = serializers.ListField(child=MetricValueField())
    low = serializers.ListField(child=MetricValueField())
    high = serializers.ListField(child=MetricValueField())
    count = serializers.ListField(child=serializers.IntegerField(), help_text="runs that reach it")


class ComparedChartShape(serializers.Serializer):
    metric = serializers.CharField()
    rows = SeriesRowShape(many=True)
    curves = RunLineShape(many=True, help_text="without group_by")
    groups = GroupLineShape(many=True, help_text="with group_by")


class ComparedShape(serializers.Serializer):
    runs = ComparedRunShape(many=True)
    left_out = serializers.IntegerField(help_text="named, but deleted or none that you may see")
    beyond = serializers.IntegerField(help_text="more than are compared at once")
    charts = ComparedChartShape(many=True)


class Compare(ActorView):
    open_to_run_tokens = True

    @extend_schema(parameters=[CompareQuery], responses=ComparedShape)
    def get(self, request: Request) -> HttpResponse:
        query = CompareQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = dict(query.validated_data)
        chosen = _chosen(self.actor, asked)
        # Here, so that a web worker which shows no curve never loads NumPy.
        from tracker.comparing import charts
        from tracker.comparing.looks import Look

        metrics = asked.pop("metric")
        series = charts.series_of(chosen.runs, metrics)
        etag = _etag(request, charts.version_of(chosen.runs, series))
        if unchanged := get_conditional_response(request._request, etag=etag):
            return unchanged
        look = Look(**asked | {"group_by": tuple(asked.get("group_by", ()))})
        return Response(
            {
                "runs": [_run(run) for run in chosen.runs],
                "left_out": chosen.left_out,
                "beyond": chosen.beyond,
                "charts": [
                    charts.chart(name, each, chosen.runs, look) for name, each in series.items()
                ],
            },
            headers={"ETag": etag, "Cache-Control": "private, no-cache"},
        )


def _chosen(actor: Actor, asked: dict[str, Any]) -> Chosen:
    """The runs asked for in one of three ways, which are taken out of ``asked``."""
    ways = {name: asked.pop(name) for name in ("runs", "experiment", "submission") if name in asked}
    match ways:
        case {"runs": named, **rest} if not rest:
            return chosen_by_id(actor, named)
        case {"experiment": pk, **rest} if not rest:
            return chosen_of_experiment(actor, pk)
        case {"submission": pk, **rest} if not rest:
            return chosen_of_submission(actor, pk)
    raise bad_field("runs", None, "Give runs, experiment or submission, and one of them only.")


def _run(run: Run) -> dict[str, object]:
    return {
        "run_id": run.pk,
        "label": label_of(run),
        "status": run.status,
        "is_open": run.is_open,
    }


def _etag(request: Request, version: str) -> str:
    asked = f"{version} {request._request.META['QUERY_STRING']}"
    return quote_etag(hashlib.sha256(asked.encode()).hexdigest()[:32])
