"""/api/v1/tokens, audit and me: who one is here, and who did what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api.base import ActorView, ScopeOpens, StaffOnly, visible_or_404
from tracker.filters import AuditFilter
from tracker.models import Actor, AuditEntry, Cluster, ClusterAccount, Experiment, Membership, Token

Scope = Token.Scope
ISSUABLE = [Scope.RUN, Scope.USER, Scope.READ, Scope.WEBHOOK]


class TokenSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = Token
        fields = [
            "id",
            "label",
            "scope",
            "experiment",
            "run",
            "cluster",
            "prefix",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ]
        read_only_fields = fields


class IssuedTokenSerializer(TokenSerializer):
    token = serializers.CharField(help_text="the secret: shown here, and never again")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


class NewTokenSerializer(serializers.Serializer):
    scope = serializers.ChoiceField(Scope.choices)
    label = serializers.CharField(required=False, allow_blank=True, max_length=120)
    experiment = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**63 - 1
    )
    cluster = serializers.SlugRelatedField(
        "name", queryset=Cluster.objects.all(), required=False, allow_null=True
    )
    days = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=3650,
        help_text="left out: until revoked, or as long as the token that issues it",
    )

    def validate_scope(self, scope: str) -> str:
        if scope not in ISSUABLE:
            raise serializers.ValidationError(f"Give one of {', '.join(ISSUABLE)}.")
        return scope

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        actor: Actor = self.context["view"].actor
        if wanted["scope"] == Scope.RUN:
            wanted["experiment"] = _experiment(actor, wanted.get("experiment"))
        elif wanted.get("experiment") is not None:
            raise serializers.ValidationError({"experiment": "Only scope run names one."})
        if wanted["scope"] == Scope.WEBHOOK and not actor.is_staff:
            raise serializers.ValidationError({"scope": "Staff issue tokens of scope webhook."})
        wanted["lifetime"] = _lifetime(actor, wanted.pop("days", None), timezone.now())
        return wanted


def _experiment(actor: Actor, pk: int | None) -> Experiment:
    experiment = actor.editable_experiments().filter(pk=pk).first() if pk else None
    if experiment is None:
        raise serializers.ValidationError(
            {"experiment": "Scope run needs the id of an experiment that you may add runs to."}
        )
    return experiment


def _lifetime(actor: Actor, days: int | None, now: datetime) -> timedelta | None:
    """As asked, but never beyond the token that issues it: that would be a way around its end."""
    asked = timedelta(days=days) if days else None
    if actor.token is None or actor.token.expires_at is None:
        return asked
    left = actor.token.expires_at - now
    return min(asked, left) if asked else left


class TokenViewSet(
    ActorView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    """One's own tokens. Revoked and expired ones stay listed."""

    queryset = Token.objects.none()
    serializer_class = TokenSerializer
    filterset_class = None
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[Token]:
        mine = Token.objects.filter(user=self.actor.user.pk).exclude(scope=Scope.SIGNIN)
        return mine.select_related("cluster")

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: Request) -> Response:
        new = NewTokenSerializer(data=request.data, context=self.get_serializer_context())
        new.is_valid(raise_exception=True)
        token, secret = recording.issue_token(
            actor=self.actor, user=request.user, **new.validated_data
        )
        return Response(TokenSerializer(token).data | {"token": secret}, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, pk: int) -> Response:
        token = visible_or_404(self.get_queryset(), "Token", pk=pk)
        recording.revoke_token(token, actor=self.actor, at=timezone.now())
        return Response(status=204)


class AuditSerializer(serializers.ModelSerializer):
    user = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = AuditEntry
        fields = "__all__"


class AuditViewSet(ActorView, mixins.ListModelMixin, viewsets.GenericViewSet):
    queryset = AuditEntry.objects.select_related("user").order_by("-pk")
    serializer_class = AuditSerializer
    permission_classes = [ScopeOpens, StaffOnly]
    filterset_class = AuditFilter


class AccountSerializer(serializers.ModelSerializer):
    cluster = serializers.SlugRelatedField("name", read_only=True)

    class Meta:
        model = ClusterAccount
        fields = ["cluster", "unix_name"]


class GroupRoleSerializer(serializers.ModelSerializer):
    name = serializers.CharField(source="group.name")

    class Meta:
        model = Membership
        fields = ["group", "name", "role"]


class MeSerializer(serializers.Serializer):
    username = serializers.CharField()
    is_staff = serializers.BooleanField(help_text="with this token or session")
    scope = serializers.CharField(allow_null=True, help_text="of the token; null for a session")
    groups = GroupRoleSerializer(many=True)
    accounts = AccountSerializer(many=True)


class Me(ActorView):
    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        mine = {"user": request.user}
        me = {
            "username": request.user.get_username(),
            "is_staff": self.actor.is_staff,
            "scope": self.actor.scope,
            "groups": Membership.objects.filter(**mine).select_related("group"),
            "accounts": ClusterAccount.objects.filter(**mine).select_related("cluster"),
        }
        return Response(MeSerializer(me).data)
