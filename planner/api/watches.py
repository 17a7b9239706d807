"""``/api/v1/watches``: being told when a better slot opens."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from planner.models import BetterSlot, Question, Watch
from planner.watches import watching
from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem, bad_field
from tracker.models import Actor

LISTED = 100


class BetterSlotShape(serializers.ModelSerializer):
    id = serializers.IntegerField(source="notice_id", read_only=True)
    made_at = serializers.DateTimeField(source="notice.made_at", read_only=True)
    read_at = serializers.DateTimeField(source="notice.read_at", read_only=True, allow_null=True)

    class Meta:
        model = BetterSlot
        fields = ["id", "made_at", "snapshot_at", "where", "p50_at", "p90_at", "sbatch_args",
                  "read_at"]  # fmt: skip
        read_only_fields = fields


class WatchShape(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)
    is_live = serializers.SerializerMethodField(help_text="neither cancelled nor expired")
    notices = BetterSlotShape(many=True, read_only=True, source="slots")

    class Meta:
        model = Watch
        fields = [
            *("id", "cluster", "request", "made_at", "expires_at", "cancelled_at", "is_live"),
            *("promised_where", "promised_p50_at", "promised_p90_at"),
            *("better_by_at", "within_minutes"),
            *("checked_at", "best_where", "best_p50_at", "best_p90_at"),
            "notices",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.BooleanField)
    def get_is_live(self, watch: Watch) -> bool:
        return watch.is_live(self.context["now"])


class NewWatch(serializers.Serializer):
    question = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="id of an answer of /api/v1/plan"
    )
    within_minutes = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=watching.MAX_WITHIN_MINUTES,
        help_text="between submission and start; left out: sooner than the answer says",
    )


class WatchesView(ActorView):
    @extend_schema(responses=WatchShape(many=True))
    def get(self, _request: HttpRequest) -> Response:
        """One's own, the newest first: those that are over for 30 days still, 100 in all."""
        return Response(_shape(_own(self.actor)[:LISTED], many=True))

    @extend_schema(request=NewWatch, responses={201: WatchShape})
    def post(self, request: HttpRequest) -> Response:
        """The same wish for the same question again is the same watch."""
        body = NewWatch(data=request.data)
        body.is_valid(raise_exception=True)
        pk = body.validated_data["question"]
        own = Question.objects.filter(asked_by=self.actor.user).select_related("cluster")
        question = own.filter(pk=pk).first()
        if question is None:
            raise bad_field("question", pk, "none of yours of the last day: ask POST /api/v1/plan")
        try:
            within_minutes = body.validated_data.get("within_minutes")
            watch = watching.begin(self.actor, question, within_minutes, timezone.now())
        except watching.WatchRefusedError as refused:
            raise Problem(409, str(refused)) from refused
        return Response(_shape(watch), status=201)


class WatchView(ActorView):
    @extend_schema(responses=WatchShape)
    def get(self, _request: HttpRequest, pk: int) -> Response:
        return Response(_shape(visible_or_404(_own(self.actor), "Watch", pk=pk)))

    @extend_schema(responses={204: None})
    def delete(self, _request: HttpRequest, pk: int) -> Response:
        """Cancels it; nothing changes where it is over."""
        watching.cancel(visible_or_404(_own(self.actor), "Watch", pk=pk), timezone.now())
        return Response(status=204)


def _own(actor: Actor) -> QuerySet[Watch]:
    return (
        Watch.objects.filter(user=actor.user)
        .select_related("cluster")
        .prefetch_related("slots__notice")
    )


def _shape(watches: Watch | QuerySet[Watch], *, many: bool = False) -> Any:
    return WatchShape(watches, many=many, context={"now": timezone.now()}).data
