"""/api/v1/clusters/ID/polls: how the polls of a cluster fare, for staff."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import polling
from tracker.api.base import ActorView, ScopeOpens, StaffOnly, visible_or_404
from tracker.polling.health import Pace


class CommandHealthShape(serializers.Serializer):
    command = serializers.CharField()
    argv = serializers.CharField()
    every_s = serializers.IntegerField()
    pace = serializers.ChoiceField([pace.value for pace in Pace])
    rests_until = serializers.DateTimeField(allow_null=True, help_text="after a failure")
    good_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(help_text="of the last failure")
    polls = serializers.IntegerField(help_text="in the last 24 h")
    polls_last_hour = serializers.IntegerField()
    good_share = serializers.FloatField(allow_null=True)
    median_s = serializers.FloatField(allow_null=True, help_text="of good polls")
    p90_s = serializers.FloatField(allow_null=True)
    raw_bytes = serializers.IntegerField(help_text="of text in the last 24 h")


class PollHealthShape(serializers.Serializer):
    commands = CommandHealthShape(many=True)
    waiting_hints = serializers.IntegerField()
    undecided_jobs = serializers.IntegerField()
    submissions = serializers.DictField(
        child=serializers.IntegerField(), help_text="open ones, by state"
    )


class ClusterPolls(ActorView):
    permission_classes = [ScopeOpens, StaffOnly]

    @extend_schema(responses=PollHealthShape)
    def get(self, _request: Request, cluster_id: int) -> Response:
        cluster = visible_or_404(self.actor.clusters(), "Cluster", pk=cluster_id)
        health = polling.poll_health(cluster, timezone.now())
        return Response(PollHealthShape(health).data)
