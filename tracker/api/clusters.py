"""/api/v1/clusters, partitions, nodes and jobs: what the polls have learned. Read only."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.pagination import ByName
from tracker.filters import JobFilter, NodeFilter, PartitionFilter
from tracker.models import Actor, Attempt, Cluster, Job, Node, Partition, StartEstimate
from tracker.models.polls import queue_as_of


def names_of(model: type[Model]) -> list[str]:
    """All fields read only: else each would tell its database's own limits in the schema."""
    return [field.name for field in model._meta.fields]


class ClusterSerializer(serializers.ModelSerializer):
    queue_as_of = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="when the last good poll of the queue was"
    )

    class Meta:
        model = Cluster
        fields = [
            "id",
            "name",
            "is_demo",
            "slurm_version",
            "polling_paused",
            "private_data",
            "submit_as",
            "queue_as_of",
        ]
        read_only_fields = fields


class ClusterViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Cluster.objects.none()
    serializer_class = ClusterSerializer
    pagination_class = ByName
    filterset_class = None
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Cluster]:
        return self.actor.clusters().annotate(queue_as_of=queue_as_of())


class PartitionSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = Partition
        fields = "__all__"
        read_only_fields = names_of(Partition)


class PartitionViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Partition.objects.none()
    serializer_class = PartitionSerializer
    pagination_class = ByName
    filterset_class = PartitionFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Partition]:
        return self.actor.partitions().select_related("cluster")


class NodeSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = Node
        fields = "__all__"
        read_only_fields = names_of(Node)


class NodeViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Node.objects.none()
    serializer_class = NodeSerializer
    pagination_class = ByName
    filterset_class = NodeFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Node]:
        return self.actor.nodes().select_related("cluster")


class AttemptSerializer(serializers.ModelSerializer):
    class Meta:
        model = Attempt
        exclude = ["id", "job"]
        read_only_fields = names_of(Attempt)


class JobSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)
    shown_id = serializers.CharField(read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Job
        # Where a job runs and what it is called by is its user's own business.
        exclude = ["work_dir", "command", "comment"]
        read_only_fields = names_of(Job)


class EstimateSerializer(serializers.ModelSerializer):
    class Meta:
        model = StartEstimate
        exclude = ["id", "job"]
        read_only_fields = names_of(StartEstimate)


class JobViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Job.objects.none()
    serializer_class = JobSerializer
    filterset_class = JobFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Job]:
        return visible_jobs(self.actor).select_related("cluster").prefetch_related("attempts")

    @extend_schema(responses=EstimateSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def estimates(self, _request: Request, pk: int) -> Response:
        """Every estimate that was ever given for this job, the newest first."""
        job = visible_or_404(visible_jobs(self.actor), "Job", pk=pk)
        page = self.paginate_queryset(job.estimates.all())
        return self.get_paginated_response(EstimateSerializer(page, many=True).data)


def visible_jobs(actor: Actor) -> QuerySet[Job]:
    """Jobs of all clusters, of each as its PrivateData allows."""
    return reduce(or_, map(actor.jobs, actor.clusters()), Job.objects.none())
