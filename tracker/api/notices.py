"""``/api/v1/notices``: what one was told of."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tracker.api.base import ActorView
from tracker.models import Notice
from tracker.recording.notices import mark_read, notices_of, unread

LISTED = 100


class NoticeShape(serializers.ModelSerializer):
    class Meta:
        model = Notice
        fields = ["id", "kind", "made_at", "title", "body", "path", "experiment", "runs", "read_at"]
        read_only_fields = fields


class NoticesRead(serializers.Serializer):
    notices = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=LISTED,
        help_text="ids; left out: all of them",
    )


class ReadCount(serializers.Serializer):
    read = serializers.IntegerField(help_text="notices that were unread before")


class NoticesView(ActorView):
    @extend_schema(operation_id="notices_list", responses=NoticeShape(many=True))
    def get(self, _request: Request) -> Response:
        """One's own of the last 30 days, the newest first, 100 at most."""
        return Response(NoticeShape(notices_of(self.actor)[:LISTED], many=True).data)


class NoticesReadView(ActorView):
    @extend_schema(request=NoticesRead, responses=ReadCount)
    def post(self, request: Request) -> Response:
        """Marks one's own as read."""
        body = NoticesRead(data=request.data)
        body.is_valid(raise_exception=True)
        found = unread(self.actor)
        if (pks := body.validated_data.get("notices")) is not None:
            found = found.filter(pk__in=pks)
        return Response({"read": mark_read(found, timezone.now())})
