"""Metrics of a run: the path every training job takes each step, and its curves read back."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api import bodies, shapes
from tracker.api.appending import run_to_append_to
from tracker.api.base import ActorView, visible_or_404
from tracker.api.parsing import parse_points
from tracker.api.plain import answers_problems, json_body
from tracker.api.problems import Problem
from tracker.metrics.points import json_values
from tracker.metrics.series import read_curve
from tracker.models import MetricSeries, Run

NAMED = 20  # metrics, where one is asked for that is not there
INT64 = {"min_value": -(2**63), "max_value": 2**63 - 1}


class CurveQuery(serializers.Serializer):
    name = serializers.CharField(max_length=250, trim_whitespace=False)
    max_points = serializers.IntegerField(required=False, min_value=4, max_value=100_000)
    attempt = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    from_step = serializers.IntegerField(required=False, **INT64)
    to_step = serializers.IntegerField(required=False, **INT64)


@answers_problems("POST")
def append_metrics(request: HttpRequest, run_id: str) -> HttpResponse:
    run = run_to_append_to(request, run_id)
    points = bodies.points_of(json_body(request, parse_points))
    stored = recording.append_points(run, points, now=timezone.now())
    return JsonResponse({"stored": stored}, status=201 if stored else 200)


class RunMetrics(ActorView):
    open_to_run_tokens = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: str) -> HttpResponse:
        # REST's own frame costs more than storing a point does: one view for both addresses.
        if request.method == "POST":
            return append_metrics(request, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(parameters=[CurveQuery], responses=shapes.CurveShape)
    def get(self, request: Request, run_id: str) -> HttpResponse:
        run = visible_or_404(self.actor.runs(), "Run", pk=run_id)
        query = CurveQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = dict(query.validated_data)
        series = _series(run, wanted.pop("name"))
        curve = read_curve(series, **wanted)
        # Not by REST's renderer, which asks of each number what it is.
        columns = {
            "name": series.name,
            "step": curve.step.tolist(),
            "time": curve.time_s.tolist(),
            "value": json_values(curve.value.tolist()),
        }
        body = orjson.dumps(columns)
        return HttpResponse(body, content_type="application/json")

    @extend_schema(
        request=shapes.POINTS, responses={201: shapes.StoredShape, 200: shapes.StoredShape}
    )
    def post(self, _request: Request, run_id: str) -> Response:
        """For the schema; ``dispatch`` takes it to ``append_metrics``."""
        raise NotImplementedError(run_id)


def _series(run: Run, name: str) -> MetricSeries:
    """Or a Problem 404 that names those that are there."""
    series: MetricSeries | None = run.series.filter(name=name).first()
    if series is None:
        names = list(run.series.order_by("name").values_list("name", flat=True)[: NAMED + 1])
        more = " and more" if len(names) > NAMED else ""
        has = f"it has {', '.join(names[:NAMED])}{more}" if names else "it has logged none"
        raise Problem(404, f"Run {run.pk} has no metric {name[:40]!r}; {has}.")
    return series
