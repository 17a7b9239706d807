"""The planning page: when the waiting jobs start, and where one more would start first."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from planner import questions
from planner.choices import choices
from planner.forms import PlanForm
from planner.models import Question
from planner.outlook import outlook, spread_axis, time_line
from planner.track_record import Choice, kept_track_record
from tracker.models import Actor, Cluster
from tracker.spread import Axis
from tracker.views.base import actor_of

NOTHING_NEW = 204  # htmx leaves the page as it is


@require_safe
@login_required
def plan(request: HttpRequest) -> HttpResponse:
    """``?cluster=`` chooses, the fields of the form ask: reloading asks the same again."""
    actor, now = actor_of(request), timezone.now()
    cluster = chosen_cluster(actor, request.GET.get("cluster"))
    if cluster is None:
        return render(request, "planner/no_cluster.html", {"section": "plan"})
    queue_at = questions.queue_read_at(cluster)
    form = _form(request, actor, cluster)
    question = None
    if form.is_bound and form.is_valid() and queue_at is not None:
        question = questions.ask(actor, cluster, form.request, now)
    context = _queue(actor, cluster, queue_at, now) | {"form": form, "section": "plan"}
    context["record"] = kept_track_record(cluster, Choice(), now)
    return render(request, "planner/plan.html", context | _answer(question))


@require_safe
@login_required
def plan_queue(request: HttpRequest, name: str) -> HttpResponse:
    """The part of the page that follows the queue, if there is a newer forecast than ``?seen=``."""
    actor, now = actor_of(request), timezone.now()
    cluster = get_object_or_404(actor.clusters(), name=name)
    context = _queue(actor, cluster, questions.queue_read_at(cluster), now)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "planner/_queue.html", context | {"is_update": True})


@require_safe
@login_required
def plan_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer to one's own question, or how long it has been waited for."""
    question = get_object_or_404(
        Question.objects.select_related("cluster"), pk=pk, asked_by=request.user
    )
    return render(request, "planner/_answer.html", _answer(question))


def chosen_cluster(actor: Actor, name: str | None) -> Cluster | None:
    """The named cluster, else the first: a page is better than a question which."""
    if name and "\0" not in name:  # which PostgreSQL would refuse to look for
        return get_object_or_404(actor.clusters(), name=name)
    return actor.clusters().first()


def _form(request: HttpRequest, actor: Actor, cluster: Cluster) -> PlanForm:
    user = actor.unix_name(cluster) or ""
    known = choices(actor, cluster, user)
    if "ask" in request.GET:
        return PlanForm(request.GET, known=known, user=user)
    form = PlanForm(None, known=known, user=user)
    form.initial = {name: request.GET[name] for name in form.fields if name in request.GET}
    form.initial["partition"] = request.GET.getlist("partition")
    return form


def _queue(
    actor: Actor, cluster: Cluster, queue_at: datetime | None, now: datetime
) -> dict[str, object]:
    seen = outlook(actor, cluster, queue_at)
    horizon_s = seen.newest.horizon_s if seen.newest else 0
    return {
        "cluster": cluster,
        "outlook": seen,
        "is_old": seen.is_old(now),
        "figure": time_line(seen.rows, horizon_s, now),
        "axis": spread_axis(seen.rows, now),
        "seen": seen.version(now),
        "now": now,
    }


def _answer(question: Question | None) -> dict[str, object]:
    if question is None or question.state != Question.State.DONE:
        return {"question": question}
    answer, now = question.answer, question.snapshot_at
    options = [_with_times(option, now) for option in answer["options"]]
    best = answer["best"]
    starts = [
        option["start"] for option in answer["options"] if option["start"]["p10_s"] is not None
    ]
    last_s = max((start["p90_s"] or start["p50_s"] for start in starts), default=None)
    return {
        "question": question,
        "cluster": question.cluster,
        "options": options,
        "best": None if best is None else options[best],
        "axis": last_s and Axis.around(now, [now + timedelta(seconds=last_s)]),
    }


def _with_times(option: dict, snapshot_at: datetime) -> dict[str, object]:
    """The option with its seconds from the snapshot as times, named as an estimate's are."""
    times = {
        f"{prefix}{level}_at": None if at_s is None else snapshot_at + timedelta(seconds=at_s)
        for prefix, what in (("", "start"), ("finish_", "finish"))
        for level in ("p10", "p50", "p90")
        for at_s in (option[what][f"{level}_s"],)
    }
    return option | times | {"command": shlex.join(["sbatch", *option["sbatch_args"], "SCRIPT.sh"])}
