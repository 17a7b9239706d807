"""Watches and the notices of better slots that they found."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from planner.asking.act_forms import WatchForm
from planner.asking.request import Request
from planner.asking.request_words import query_of, words_of
from planner.models import BetterSlot, Question, Watch
from planner.watches import watching
from tracker.models import Actor
from tracker.views.base import actor_of, page_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def watches(request: HttpRequest) -> HttpResponse:
    """One's own; POST begins one for the answer of a question."""
    if request.method == "POST":
        return _begin(request)
    actor, now = actor_of(request), timezone.now()
    own = Watch.objects.filter(user=actor.user).select_related("cluster")
    live = list(watching.live_of(actor, now).select_related("cluster"))
    page = page_of(request, slots_of(actor))
    over = own.exclude(pk__in=[watch.pk for watch in live])[:20]
    for watch in [*live, *over, *(slot.watch for slot in page)]:
        asked = Request.from_json(watch.request)
        watch.asks, watch.query = words_of(asked), query_of(watch.cluster.name, asked)
    context = {
        "section": "watches",
        "live": live,
        "over": over,
        "page": page,
        "unread": slots_of(actor).filter(notice__read_at=None).count(),
        "sends_mail": bool(settings.EMAIL_HOST),
    }
    return render(request, "planner/watches.html", context)


@require_POST
@login_required
def watch_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    watch = get_object_or_404(Watch, pk=pk, user=request.user)
    if watching.cancel(watch, timezone.now()):
        messages.success(request, "The watch is cancelled.")
    return redirect("watches")


def slots_of(actor: Actor) -> QuerySet[BetterSlot]:
    slots = BetterSlot.objects.filter(watch__user=actor.user)
    return slots.select_related("watch__cluster", "notice").order_by("-notice__made_at")


def _begin(request: HttpRequest) -> HttpResponse:
    form, actor = WatchForm(request.POST), actor_of(request)
    if not form.is_valid():
        for word in (word for words in form.errors.values() for word in words):
            messages.error(request, f"No watch was begun. {word}")
        return _back(actor, form)
    question = get_object_or_404(
        Question.objects.select_related("cluster"),
        pk=form.cleaned_data["question"],
        asked_by=request.user,
    )
    try:
        watch = watching.begin(actor, question, form.cleaned_data["within_minutes"], timezone.now())
    except watching.WatchRefusedError as refused:
        messages.error(request, f"No watch was begun. {refused}")
        return _back(actor, form)
    messages.success(request, f"You will be told here when a better slot opens on {watch.cluster}.")
    return redirect("watches")


def _back(actor: Actor, form: WatchForm) -> HttpResponse:
    """To the question, where it is known; 400 else is of no use to a person."""
    own = Question.objects.filter(asked_by=actor.user).select_related("cluster")
    question = own.filter(pk=form.cleaned_data.get("question")).first()
    if question is None:
        return redirect("watches")
    asked = Request.from_json(question.request)
    return redirect(f"{reverse('plan')}?{query_of(question.cluster.name, asked)}")
