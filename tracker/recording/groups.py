from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from tracker.models import Actor, Membership, ResearchGroup
from tracker.recording.audit import audit
from tracker.recording.errors import ConflictError

Role = Membership.Role


def create_group(name: str, *, actor: Actor) -> ResearchGroup:
    """A new group with the actor as its owner."""
    with transaction.atomic():
        group = ResearchGroup.objects.create(name=name)
        Membership.objects.create(group=group, user=actor.user, role=Role.OWNER)
        audit(actor, "create", group, name=name)
        return group


def rename_group(group: ResearchGroup, name: str, *, actor: Actor) -> ResearchGroup:
    with transaction.atomic():
        audit(actor, "update", group, name=name, was=group.name)
        group.name = name
        group.save(update_fields=["name"])
        return group


def delete_group(group: ResearchGroup, *, actor: Actor) -> None:
    """ConflictError while experiments belong to it."""
    with transaction.atomic():
        audit(actor, "delete", group, name=group.name)
        try:
            group.delete()
        except ProtectedError as error:
            raise ConflictError(
                "group",
                f"{group.name} still has {len(error.protected_objects)} experiments: "
                "move or delete them first",
            ) from None


def set_member(
    group: ResearchGroup, user: User, role: str, *, actor: Actor
) -> tuple[Membership, bool]:
    """Give a user a role in the group; the flag tells whether they are new in it."""
    with transaction.atomic():
        if role != Role.OWNER:
            _keep_an_owner(group, user)
        membership, is_new = Membership.objects.update_or_create(
            group=group, user=user, defaults={"role": role}
        )
        audit(actor, "member", group, member=user.get_username(), role=role)
        return membership, is_new


def remove_member(membership: Membership, *, actor: Actor) -> None:
    with transaction.atomic():
        _keep_an_owner(membership.group, membership.user)
        audit(actor, "remove", membership.group, member=membership.user.get_username())
        membership.delete()


def _keep_an_owner(group: ResearchGroup, leaving: User) -> None:
    # Locking the group lets two owners who leave at once take turns.
    ResearchGroup.objects.select_for_update().get(pk=group.pk)
    owners = Membership.objects.filter(group=group, role=Role.OWNER)
    if set(owners.values_list("user", flat=True)) == {leaving.pk}:
        raise ConflictError(
            "role", f"{leaving} is the only owner of {group}: make somebody else an owner first"
        )
