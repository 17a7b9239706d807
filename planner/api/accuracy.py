"""``GET /api/v1/accuracy``: the numbers of the accuracy page."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from planner.accuracy import Score
from planner.api.plan import cluster_of
from planner.forms import AccuracyForm
from planner.record.track_record import (
    DAYS,
    MILESTONES,
    Choice,
    TrackRecord,
    partitions_seen_by,
    record_for,
)
from tracker.api.base import ActorView
from tracker.api.problems import FieldError, Problem
from tracker.models import Actor, Cluster


def number(help_text: str = "") -> serializers.FloatField:
    """Null: no row tells."""
    return serializers.FloatField(allow_null=True, help_text=help_text)


def interval(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.FloatField(),
        min_length=2,
        max_length=2,
        allow_null=True,
        help_text=f"{help_text}: low and high of 90 %, by days drawn anew; null: too few days",
    )


ScoreShape = type(
    "ScoreShape",
    (serializers.Serializer,),
    {
        field.name: serializers.IntegerField() if field.name.startswith("n") else number()
        for field in fields(Score)
    },
)


class AgainstShape(serializers.Serializer):
    """On the ``n`` rows that both answered and whose jobs have started."""

    answer_rate = number("theirs, of all rows")
    n = serializers.IntegerField()
    ours_median_ae_s = number()
    theirs_median_ae_s = number()
    ours_within_factor_2 = number()
    theirs_within_factor_2 = number()
    skill = number("1 - our mean absolute error / theirs")
    skill_interval = interval("of skill")


class FiguresShape(serializers.Serializer):
    name = serializers.CharField(help_text="a partition; of milestones the minutes waited")
    n_scored = serializers.IntegerField(help_text="started or gone")
    n_started = serializers.IntegerField()
    n_gone = serializers.IntegerField(help_text="cancelled while waiting, or gone unseen: censored")
    n_open = serializers.IntegerField(help_text="waiting still: censored now")
    n_replayed = serializers.IntegerField(help_text="made later, from stored polls")
    n_p90 = serializers.IntegerField(help_text="started, and a 90 % time was told")
    score = ScoreShape(help_text="docs/accuracy.md defines the figures")
    slurm = AgainstShape()
    history = AgainstShape()


class ReliabilityShape(serializers.Serializer):
    level = serializers.FloatField()
    share = serializers.FloatField()
    interval = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)
    n = serializers.IntegerField()


class PointsShape(serializers.Serializer):
    """Thinned evenly from ``n``; in step, and of no job that could be told."""

    n = serializers.IntegerField()
    predicted_s = serializers.ListField(child=serializers.FloatField())
    actual_s = serializers.ListField(child=serializers.FloatField())


class RangeShape(serializers.Serializer):
    low_s = serializers.FloatField()
    high_s = number("null: and more")
    n = serializers.IntegerField()
    p10_s = serializers.FloatField()
    p50_s = serializers.FloatField()
    p90_s = serializers.FloatField()


class AccuracyShape(serializers.Serializer):
    cluster = serializers.SerializerMethodField()
    days = serializers.IntegerField(source="choice.days")
    partition = serializers.CharField(source="choice.partition", help_text="empty: all")
    milestone = serializers.IntegerField(source="choice.milestone_minutes")
    made_at = serializers.DateTimeField(help_text="measured anew after five minutes")
    newest_outcome_at = serializers.DateTimeField(allow_null=True)
    one_job_in = serializers.IntegerField(help_text="more than 1: every so many-th job was read")
    sentence = serializers.CharField(help_text="empty: nothing is scored yet")
    figures = FiguresShape()
    coverage_interval = interval("of coverage_p90, or of coverage_p50 where no p90 was told")
    partitions = FiguresShape(many=True)
    milestones = FiguresShape(many=True)
    reliability = ReliabilityShape(many=True)
    history_reliability = ReliabilityShape(many=True)
    points = PointsShape()
    slurm_points = PointsShape()
    ranges = RangeShape(many=True)
    slurm_ranges = RangeShape(many=True)

    def get_cluster(self, _record: TrackRecord) -> str:
        return self.context["cluster"].name


QUERY = [
    OpenApiParameter("cluster", str, description="needed where there are several"),
    OpenApiParameter("days", int, enum=DAYS, default=Choice().days),
    OpenApiParameter("partition", str, description="left out: all"),
    OpenApiParameter("milestone", int, enum=list(MILESTONES), default=0, description="minutes"),
]


class AccuracyView(ActorView):
    @extend_schema(parameters=QUERY, responses=AccuracyShape)
    def get(self, request: HttpRequest) -> Response:
        cluster = cluster_of(self.actor, request.query_params.get("cluster", ""))
        choice = _choice(self.actor, cluster, request)
        record = record_for(self.actor, cluster, choice, timezone.now())
        return Response(AccuracyShape(record, context={"cluster": cluster}).data)


def _choice(actor: Actor, cluster: Cluster, request: HttpRequest) -> Choice:
    asked: Any = request.query_params
    form = AccuracyForm(asked, partitions=partitions_seen_by(actor, cluster))
    if not form.is_valid():
        errors = [FieldError(name, asked[name], words[0]) for name, words in form.errors.items()]
        raise Problem(400, "; ".join(f"{e.field}: {e.message}" for e in errors), *errors)
    return form.choice
