"""Notices: what one was told of, its count in the head of each page, and the wishes about them."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from tracker.forms import NoticeWishesForm
from tracker.models import Notice
from tracker.recording import set_wishes
from tracker.recording.notices import mark_read, notices_of, unread
from tracker.views.base import actor_of, page_of


@require_safe
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    context = {
        "section": "notices",
        "page": page_of(request, notices_of(actor_of(request))),
        "sends_mail": bool(settings.EMAIL_HOST),
    }
    return render(request, "tracker/notices.html", context)


@require_POST
@login_required
def notice_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks it as read; with ``open`` it leads to the page that tells more."""
    found = notices_of(actor_of(request)).filter(pk=pk)
    notice = get_object_or_404(found)
    mark_read(found, timezone.now())
    return redirect(notice.path) if "open" in request.POST else _back(request)


@require_POST
@login_required
def notices_read(request: HttpRequest) -> HttpResponse:
    """All, or those of the kind named."""
    found = notices_of(actor_of(request))
    if (kind := request.POST.get("kind")) in Notice.Kind.values:
        found = found.filter(kind=kind)
    mark_read(found, timezone.now())
    return _back(request)


@require_POST
@login_required
def notice_wishes(request: HttpRequest) -> HttpResponse:
    form = NoticeWishesForm(request.POST)
    if form.is_valid():
        set_wishes(request.user, form.cleaned_data)
        messages.success(request, "Kept.")
    else:
        messages.error(request, "Not kept: choose one of the ways offered for each kind of news.")
    return redirect("account")


def badge(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """Context of the navigation: counted only where a page shows it."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    return {"unread_notices": lambda: unread(actor_of(request)).count()}


@require_safe
@login_required
def notice_badge(request: HttpRequest) -> HttpResponse:
    """The part of the navigation that counts unread notices."""
    return render(request, "tracker/_notice_badge.html")


def _back(request: HttpRequest) -> HttpResponse:
    """To the page of this service that the form stood on."""
    there = request.POST.get("next", "")
    is_ours = there.startswith("/") and url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return redirect(there if is_ours else "notices")
