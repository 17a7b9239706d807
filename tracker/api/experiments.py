"""/api/v1/experiments: what is asked of each cluster, and the runs that came of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api.base import ActorView, visible_or_404
from tracker.filters import ExperimentFilter
from tracker.forms import groups_to_share_with
from tracker.models import Cluster, Experiment, ResearchGroup, ResourceRequest

COUNTS = ("nodes", "ntasks", "cpus_per_task", "time_limit_minutes")


class GroupToShareWith(serializers.PrimaryKeyRelatedField):
    """A group where the caller is owner or member (staff: any); all others are alike unknown."""

    def get_queryset(self) -> QuerySet[ResearchGroup]:
        return groups_to_share_with(self.context["view"].actor)


class ResourceRequestSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", queryset=Cluster.objects.all())

    class Meta:
        model = ResourceRequest
        exclude = ["id", "experiment"]
        # What a 32-bit column holds, on every database.
        extra_kwargs = {name: {"min_value": 1, "max_value": 2**31 - 1} for name in COUNTS}


class ExperimentSerializer(serializers.ModelSerializer):
    owner = serializers.SlugRelatedField("username", read_only=True)
    group = GroupToShareWith(allow_null=True, required=False)
    cluster = serializers.SlugRelatedField(
        "name", queryset=Cluster.objects.all(), allow_null=True, required=False
    )
    tags = serializers.ListField(child=serializers.CharField(max_length=64), required=False)
    requests = ResourceRequestSerializer(many=True, required=False)

    class Meta:
        model = Experiment
        fields = [
            "id",
            "name",
            "description",
            "tags",
            "owner",
            "group",
            "cluster",
            "batch_script",
            "folder",
            "requests",
            "archived_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["archived_at"]

    def validate_requests(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # A partial update reaches into the list too, and lets the cluster be left out there.
        if not all("cluster" in request for request in requests):
            raise serializers.ValidationError("Each request names its cluster.")
        names = [request["cluster"].name for request in requests]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise serializers.ValidationError(
                f"{', '.join(twice)} is named twice: give one request per cluster."
            )
        return requests


class ExperimentViewSet(
    ActorView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    queryset = Experiment.objects.none()
    serializer_class = ExperimentSerializer
    filterset_class = ExperimentFilter
    lookup_value_converter = "int"
    open_to_run_tokens = True

    def get_queryset(self) -> QuerySet[Experiment]:
        rows = self.actor.experiments().select_related("owner", "cluster")
        return rows.prefetch_related("requests__cluster")

    def create(self, request: Request) -> Response:
        if not self.actor.may_write:
            raise PermissionDenied("This token creates no experiments; use one of scope user.")
        experiment = recording.create_experiment(actor=self.actor, **self._valid(request))
        return Response(self.get_serializer(experiment).data, status=201)

    def partial_update(self, request: Request, pk: int) -> Response:
        experiment = self._experiment(pk, self.actor.editable_experiments(), "change")
        fields = self._valid(request, experiment, partial=True)
        if "group" in fields and fields["group"] != experiment.group:
            self._experiment(pk, self.actor.owned_experiments(), "give away")
        recording.update_experiment(experiment, actor=self.actor, **fields)
        return self._shown(pk)

    def destroy(self, _request: Request, pk: int) -> Response:
        experiment = self._experiment(pk, self.actor.owned_experiments(), "delete")
        recording.delete_experiment(experiment, actor=self.actor)
        return Response(status=204)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def archive(self, _request: Request, pk: int) -> Response:
        experiment = self._experiment(pk, self.actor.owned_experiments(), "archive")
        recording.archive_experiment(experiment, actor=self.actor, at=timezone.now())
        return self._shown(pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def restore(self, _request: Request, pk: int) -> Response:
        experiment = self._experiment(pk, self.actor.owned_experiments(), "restore")
        recording.restore_experiment(experiment, actor=self.actor)
        return self._shown(pk)

    def _experiment(self, pk: int, allowed: QuerySet[Experiment], deed: str) -> Experiment:
        """404 where it may not be seen, 403 where it may be seen and not this be done."""
        experiment = visible_or_404(self.actor.experiments(), "Experiment", pk=pk)
        if not allowed.filter(pk=pk).exists():
            raise PermissionDenied(f"You may see experiment {pk}, and not {deed} it.")
        return experiment

    def _valid(
        self, request: Request, experiment: Experiment | None = None, *, partial: bool = False
    ) -> dict[str, Any]:
        serializer = self.get_serializer(experiment, data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def _shown(self, pk: int) -> Response:
        return Response(self.get_serializer(self.get_queryset().get(pk=pk)).data)
