"""/api/v1/groups: who shares experiments with whom."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from tracker import recording
from tracker.api.base import ActorView, visible_or_404
from tracker.models import Actor, Membership, ResearchGroup


class MembershipSerializer(serializers.ModelSerializer):
    user = serializers.SlugRelatedField("username", queryset=User.objects.filter(is_active=True))

    class Meta:
        model = Membership
        fields = ["user", "role"]


class GroupSerializer(serializers.ModelSerializer):
    members = MembershipSerializer(source="membership_set", many=True, read_only=True)

    class Meta:
        model = ResearchGroup
        fields = ["id", "name", "members"]


class GroupViewSet(
    ActorView, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet
):
    queryset = ResearchGroup.objects.none()
    serializer_class = GroupSerializer
    filterset_class = None
    lookup_value_converter = "int"

    def get_queryset(self) -> QuerySet[ResearchGroup]:
        return self.actor.groups().prefetch_related("membership_set__user")

    def create(self, request: Request) -> Response:
        group = recording.create_group(self._valid_name(request), actor=self.actor)
        return Response(self.get_serializer(group).data, status=201)

    def partial_update(self, request: Request, pk: int) -> Response:
        group = owned_group(self.actor, pk)
        recording.rename_group(group, self._valid_name(request, group), actor=self.actor)
        return Response(self.get_serializer(group).data)

    def destroy(self, _request: Request, pk: int) -> Response:
        recording.delete_group(owned_group(self.actor, pk), actor=self.actor)
        return Response(status=204)

    def _valid_name(self, request: Request, group: ResearchGroup | None = None) -> str:
        serializer = self.get_serializer(group, data=request.data)
        serializer.is_valid(raise_exception=True)
        return str(serializer.validated_data["name"])


class GroupMembers(ActorView, generics.GenericAPIView):
    queryset = Membership.objects.none()
    serializer_class = MembershipSerializer

    def post(self, request: Request, group_id: int) -> Response:
        """Take a user in, or give them another role."""
        group = owned_group(self.actor, group_id)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        role = wanted.get("role", Membership.Role.MEMBER)
        membership, is_new = recording.set_member(group, wanted["user"], role, actor=self.actor)
        return Response(self.get_serializer(membership).data, status=201 if is_new else 200)


class GroupMember(ActorView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, group_id: int, username: str) -> Response:
        """Owners take anybody out; anybody takes themselves out."""
        group = visible_or_404(self.actor.groups(), "Group", pk=group_id)
        if username != request.user.get_username():
            owned_group(self.actor, group_id)
        members = Membership.objects.filter(group=group).select_related("user", "group")
        membership = visible_or_404(members, "Member", user__username=username)
        recording.remove_member(membership, actor=self.actor)
        return Response(status=204)


def owned_group(actor: Actor, pk: int) -> ResearchGroup:
    group = visible_or_404(actor.groups(), "Group", pk=pk)
    if not actor.owned_groups().filter(pk=pk).exists():
        raise PermissionDenied(f"You may see group {pk}; its owners change it.")
    return group
