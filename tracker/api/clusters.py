"""/api/v1/clusters, partitions, nodes and jobs: what the polls have learned. Read only."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.pagination import ByName
from tracker.filters import JobFilter, NodeFilter, PartitionFilter
from tracker.models import Actor, Attempt, Cluster, Job, Node, Partition, StartEstimate


class ClusterSerializer(serializers.ModelSerializer):
    class Meta:
        model = Cluster
        fields = ["id", "name", "is_demo", "slurm_version", "polling_paused", "private_data"]


class ClusterViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Cluster.objects.none()
    serializer_class = ClusterSerializer
    pagination_class = ByName
    filterset_class = None
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Cluster]:
        return self.actor.clusters()


class PartitionSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = Partition
        fields = "__all__"


class PartitionViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Partition.objects.none()
    serializer_class = PartitionSerializer
    pagination_class = ByName
    filterset_class = PartitionFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Partition]:
        rows = Partition.objects.filter(cluster__in=self.actor.clusters()).select_related("cluster")
        return rows if self.actor.is_staff else rows.filter(hidden=False)


class NodeSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = Node
        fields = "__all__"


class NodeViewSet(ActorView, viewsets.ReadOnlyModelViewSet):
    queryset = Node.objects.none()
    serializer_class = NodeSerializer
    pagination_class = ByName
    filterset_class = NodeFilter
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Node]:
        return Node.objects.filter(cluster__in=self.actor.clusters()).select_related("cluster")


class AttemptSerializer(serializers.ModelSerializer):
    class Meta:
        model = Attempt
        exclude = ["id", "job"]


class JobSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)
    shown_id = serializers.CharField(read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Job
        # Where a job runs and what it is called by is its user's own business.
        exclude = ["work_dir", "command", "comment"]


class EstimateSerializer(serializers.ModelSerializer):
    class Meta:
        model = StartEstimate
        exclude = ["id", "job"]


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
