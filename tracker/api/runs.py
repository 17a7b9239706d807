"""/api/v1/runs: state, curves and artifacts of runs; and an experiment's runs."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api import shapes
from tracker.api.aliases import create_run_in, run_to_log_to, store_points
from tracker.api.base import ActorView, visible_or_404
from tracker.api.pagination import NewestRunFirst
from tracker.api.parsing import MetricsParser
from tracker.api.run_shapes import (
    ArtifactSerializer,
    CurveQuery,
    RunDetailSerializer,
    RunSerializer,
    RunWordSerializer,
)
from tracker.filters import RunFilter
from tracker.models import Actor, Artifact, Run, StartEstimate
from tracker.points import json_value
from tracker.series import read_curve


def shown_runs(actor: Actor) -> QuerySet[Run]:
    """Runs that the actor sees, with all that their serializer reads."""
    newest = StartEstimate.objects.filter(is_newest=True)
    rows = actor.runs().select_related("cluster", "job")
    return rows.prefetch_related(Prefetch("job__estimates", newest, to_attr="newest_estimates"))


class RunViewSet(ActorView, mixins.ListModelMixin, viewsets.GenericViewSet):
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    pagination_class = NewestRunFirst
    filterset_class = RunFilter
    lookup_url_kwarg = "run_id"
    lookup_value_converter = "str"
    open_to_run_tokens = True

    def get_queryset(self) -> QuerySet[Run]:
        return shown_runs(self.actor)

    @extend_schema(responses=RunDetailSerializer)
    def retrieve(self, _request: Request, run_id: str) -> Response:
        run = visible_or_404(self.get_queryset().prefetch_related("series"), "Run", pk=run_id)
        return Response(RunDetailSerializer(run).data)

    @extend_schema(request=RunWordSerializer, responses=RunDetailSerializer)
    def partial_update(self, request: Request, run_id: str) -> Response:
        run = run_to_log_to(self.actor, run_id)
        word = RunWordSerializer(data=request.data)
        word.is_valid(raise_exception=True)
        recording.update_run(run, actor=self.actor, at=timezone.now(), **word.validated_data)
        return self.retrieve(request, run_id)


class RunArtifacts(ActorView, generics.GenericAPIView):
    queryset = Artifact.objects.none()
    serializer_class = ArtifactSerializer
    open_to_run_tokens = True

    def get(self, _request: Request, run_id: str) -> Response:
        run = visible_or_404(self.actor.runs(), "Run", pk=run_id)
        page = self.paginate_queryset(run.artifacts.all())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def post(self, request: Request, run_id: str) -> Response:
        run = run_to_log_to(self.actor, run_id)
        told = self.get_serializer(data=request.data)
        told.is_valid(raise_exception=True)
        artifact, is_new = recording.add_artifact(run, actor=self.actor, **told.validated_data)
        return Response(self.get_serializer(artifact).data, status=201 if is_new else 200)


class RunMetrics(ActorView):
    parser_classes = [MetricsParser]
    open_to_run_tokens = True

    @extend_schema(parameters=[CurveQuery], responses=shapes.CurveShape)
    def get(self, request: Request, run_id: str) -> Response:
        run = visible_or_404(self.actor.runs(), "Run", pk=run_id)
        query = CurveQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = dict(query.validated_data)
        series = visible_or_404(run.series.all(), "Metric", name=wanted.pop("name"))
        curve = read_curve(series, **wanted)
        return Response(
            {
                "name": series.name,
                "step": curve.step.tolist(),
                "time": curve.time_s.tolist(),
                "value": [json_value(value) for value in curve.value.tolist()],
            }
        )

    @extend_schema(
        request=shapes.POINTS, responses={201: shapes.StoredShape, 200: shapes.StoredShape}
    )
    def post(self, request: Request, run_id: str) -> Response:
        stored = store_points(run_to_log_to(self.actor, run_id), request.data)
        return Response({"stored": stored}, status=201 if stored else 200)


class ExperimentRuns(ActorView, generics.GenericAPIView):
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    pagination_class = NewestRunFirst
    filterset_class = RunFilter
    open_to_run_tokens = True

    def get(self, _request: Request, experiment_id: int) -> Response:
        experiment = visible_or_404(self.actor.experiments(), "Experiment", pk=experiment_id)
        runs = self.filter_queryset(shown_runs(self.actor).filter(experiment=experiment))
        page = self.get_serializer(self.paginate_queryset(runs), many=True)
        return self.get_paginated_response(page.data)

    @extend_schema(
        request=shapes.NewRunShape, responses={201: shapes.RunIdShape, 200: shapes.RunIdShape}
    )
    def post(self, request: Request, experiment_id: int) -> Response:
        run, is_new = create_run_in(self.actor, str(experiment_id), request.data)
        return Response({"run_id": run.pk}, status=201 if is_new else 200)
