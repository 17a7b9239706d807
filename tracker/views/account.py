"""The account page: who one is here, in which groups, as whom on which cluster, and what one wants
to be told of."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tracker.forms import NoticeWishesForm
from tracker.models import ClusterAccount, Membership
from tracker.recording.notices import wishes_of
from tracker.views.base import actor_of


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    names = dict(
        ClusterAccount.objects.filter(user=request.user).values_list("cluster", "unix_name")
    )
    context = {
        "wishes": NoticeWishesForm(instance=wishes_of(request.user)),
        "sends_mail": bool(settings.EMAIL_HOST),
        "memberships": Membership.objects.filter(user=request.user).select_related("group"),
        "accounts": [(cluster, names.get(cluster.pk)) for cluster in actor.clusters()],
    }
    return render(request, "tracker/account.html", context)
