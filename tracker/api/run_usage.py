"""``/api/v1/runs/{run_id}/usage``: what a run's job asked for and used, and the next request."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem
from tracker.usage.spending import advice_of, ended_attempt, spent_by


class SpentShape(serializers.Serializer):
    state = serializers.CharField(help_text="Slurm's word for how the attempt ended")
    nodes = serializers.IntegerField()
    cpus = serializers.IntegerField(allow_null=True, help_text="in all")
    mem_mib = serializers.IntegerField(allow_null=True, help_text="asked for, in all")
    gpus = serializers.IntegerField()
    limit_minutes = serializers.IntegerField(allow_null=True)
    elapsed_s = serializers.FloatField(allow_null=True)
    cpu_s = serializers.FloatField(allow_null=True)
    max_rss_mib = serializers.IntegerField(allow_null=True, help_text="of the largest task")
    used_mem_mib = serializers.IntegerField(
        allow_null=True, help_text="of all tasks of the largest step"
    )
    gpu_util_percent = serializers.IntegerField(allow_null=True, help_text="the highest sample")
    gpu_mem_mib = serializers.IntegerField(allow_null=True, help_text="of the largest task")


class NextShape(serializers.Serializer):
    completed = serializers.IntegerField(help_text="jobs that it rests on")
    mem_mib_per_node = serializers.IntegerField(allow_null=True, help_text="null: as asked for")
    limit_minutes = serializers.IntegerField(allow_null=True, help_text="null: as asked for")
    cpus = serializers.IntegerField(allow_null=True, help_text="in all; null: as asked for")
    sentences = serializers.ListField(child=serializers.CharField())


class UsageShape(serializers.Serializer):
    attempt = serializers.IntegerField()
    spent = SpentShape()
    next = NextShape()


class RunUsage(ActorView):
    @extend_schema(responses=UsageShape)
    def get(self, _request: Request, run_id: str) -> Response:
        """404 until its job has ended, and where the cluster shows the job to its user only."""
        runs = self.actor.runs().select_related("experiment", "job__cluster")
        run = visible_or_404(runs, "Run", pk=run_id)
        attempt = ended_attempt(run, self.actor)
        if attempt is None:
            raise Problem(404, f"Run {run_id} has no job that has run and that you may see.")
        advice = advice_of(run, attempt, self.actor)
        told = {
            "attempt": attempt.number,
            "spent": asdict(spent_by(attempt)),
            "next": asdict(advice.next),
        }
        return Response(UsageShape(told).data)
