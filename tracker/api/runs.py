"""/api/v1/runs: state and artifacts of runs; and an experiment's runs."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api import shapes
from tracker.api.aliases import create_run_in, run_to_log_to
from tracker.api.base import ActorView, visible_or_404
from tracker.api.run_lists import QUERY, ListsRuns
from tracker.api.run_shapes import (
    ArtifactSerializer,
    ListedRunSerializer,
    RunDetailSerializer,
    RunSerializer,
)
from tracker.api.word_shapes import DESCRIPTIONS, BulkSerializer, RunWordSerializer
from tracker.bulk import Deed, do_to_runs
from tracker.filters import RunFilter
from tracker.models import Artifact, Run, StartEstimate


class RunViewSet(ListsRuns, viewsets.GenericViewSet):
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    lookup_url_kwarg = "run_id"
    lookup_value_converter = "str"
    open_to_run_tokens = True

    def get_queryset(self) -> QuerySet[Run]:
        newest = StartEstimate.objects.filter(is_newest=True)
        estimates = Prefetch("job__estimates", newest, to_attr="newest_estimates")
        runs = self.actor.runs().select_related("cluster", "job")
        return runs.prefetch_related("tags", "series", estimates)

    @extend_schema(parameters=QUERY, responses=ListedRunSerializer(many=True))
    def list(self, request: Request) -> Response:
        return self.answer(request)

    @extend_schema(responses=RunDetailSerializer)
    def retrieve(self, _request: Request, run_id: str) -> Response:
        run = visible_or_404(self.get_queryset(), "Run", pk=run_id)
        return Response(RunDetailSerializer(run).data)

    @extend_schema(request=RunWordSerializer, responses=RunDetailSerializer)
    def partial_update(self, request: Request, run_id: str) -> Response:
        run = run_to_log_to(self.actor, run_id)
        word = RunWordSerializer(data=request.data, context={"run": run})
        word.is_valid(raise_exception=True)
        said = dict(word.validated_data)
        tags = said.pop("tags", None)
        described = {name: said.pop(name) for name in DESCRIPTIONS if name in said}
        with transaction.atomic():
            recording.update_run(run, actor=self.actor, at=timezone.now(), **said)
            if described:
                recording.describe_run(run, actor=self.actor, **described)
            if tags:
                recording.tag_runs([run], tags, actor=self.actor)
        return self.retrieve(request, run_id)


class RunsBulk(ActorView):
    @extend_schema(request=BulkSerializer, responses=shapes.RunsChangedShape)
    def post(self, request: Request) -> Response:
        """One deed on many runs: all or none."""
        asked = BulkSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = dict(asked.validated_data)
        changed = do_to_runs(
            Deed(wanted.pop("action")), wanted.pop("runs"),
            actor=self.actor, at=timezone.now(), **wanted,
        )  # fmt: skip
        return Response({"runs": changed})


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


class ExperimentRuns(ListsRuns, generics.GenericAPIView):
    queryset = Run.objects.none()
    serializer_class = RunSerializer
    filterset_class = RunFilter
    open_to_run_tokens = True

    @extend_schema(parameters=QUERY, responses=ListedRunSerializer(many=True))
    def get(self, request: Request, experiment_id: int) -> Response:
        experiment = visible_or_404(self.actor.experiments(), "Experiment", pk=experiment_id)
        return self.answer(request, experiment=experiment)

    @extend_schema(
        request=shapes.NewRunShape, responses={201: shapes.RunIdShape, 200: shapes.RunIdShape}
    )
    def post(self, request: Request, experiment_id: int) -> Response:
        run, is_new = create_run_in(self.actor, str(experiment_id), request.data)
        return Response({"run_id": run.pk}, status=201 if is_new else 200)
