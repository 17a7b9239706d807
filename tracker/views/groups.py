"""Groups: who shares experiments with whom. Owners manage members and roles."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tracker.forms import GroupForm, MemberForm
from tracker.models import Actor, Experiment, Membership, ResearchGroup
from tracker.recording import ConflictError, create_group, remove_member, set_member
from tracker.views.base import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def groups(request: HttpRequest) -> HttpResponse:
    """The list, and a form that makes a group owned by whoever fills it in."""
    actor = actor_of(request)
    form = GroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("group", create_group(form.cleaned_data["name"], actor=actor).pk)
    # A subquery: joining memberships again would count only those that make the group visible.
    mine = ResearchGroup.objects.filter(pk__in=actor.groups().values("pk"))
    rows = mine.annotate(member_count=Count("membership"))
    return render(request, "tracker/groups.html", {"groups": rows, "form": form})


@require_safe
@login_required
def group(request: HttpRequest, pk: int) -> HttpResponse:
    actor = actor_of(request)
    return _show(request, get_object_or_404(actor.groups(), pk=pk), MemberForm())


@require_POST
@login_required
def member_set(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a member, or gives one another role."""
    actor = actor_of(request)
    group = _owned_group(actor, pk)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return _show(request, group, form, status=400)
    user, role = form.cleaned_data["username"], form.cleaned_data["role"]
    try:
        set_member(group, user, role, actor=actor)
        messages.success(request, f"{user} has the role {role} in {group}.")
    except ConflictError as error:
        messages.error(request, error.message)
    return redirect("group", pk)


@require_POST
@login_required
def member_remove(request: HttpRequest, pk: int, user_pk: int) -> HttpResponse:
    """Owners remove anybody; everybody may leave."""
    actor = actor_of(request)
    is_self = user_pk == request.user.pk
    group = get_object_or_404(actor.groups(), pk=pk) if is_self else _owned_group(actor, pk)
    members = Membership.objects.select_related("user", "group")
    membership = get_object_or_404(members, group=group, user=user_pk)
    try:
        remove_member(membership, actor=actor)
        messages.success(request, f"{membership.user} is no longer in {group}.")
    except ConflictError as error:
        messages.error(request, error.message)
    return redirect("group", pk) if actor.groups().filter(pk=pk).exists() else redirect("groups")


def _owned_group(actor: Actor, pk: int) -> ResearchGroup:
    group = get_object_or_404(actor.groups(), pk=pk)
    if not actor.owned_groups().filter(pk=pk).exists():
        raise PermissionDenied(f"Only owners of “{group}” and staff change its members.")
    return group


def _show(
    request: HttpRequest, group: ResearchGroup, form: MemberForm, status: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    memberships = Membership.objects.filter(group=group).select_related("user")
    memberships = list(memberships.order_by("user__username"))
    context = {
        "group": group,
        "memberships": memberships,
        "is_member": any(one.user_id == request.user.pk for one in memberships),
        "experiments": Experiment.objects.filter(group=group, archived_at=None).count(),
        "may_manage": actor.owned_groups().filter(pk=group.pk).exists(),
        "roles": Membership.Role.choices,
        "form": form,
    }
    return render(request, "tracker/group.html", context, status=status)
