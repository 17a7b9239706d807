"""The planning page: when the waiting jobs start, and where one more would start first."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from planner.asking import questions
from planner.asking.choices import choices
from planner.forecasting.newest import queue_read_at
from planner.forms import PlanForm, ScriptForm
from planner.models import Question
from planner.record.outlook import outlook, spread_axis, time_line
from planner.record.track_record import Choice, kept_track_record
from planner.views.answer import shown, version
from planner.views.plan_links import kept
from planner.views.plan_script import (
    address_of,
    address_of_experiment,
    script_of,
)
from tracker.models import Actor, Cluster, Experiment
from tracker.views.base import actor_of

NOTHING_NEW = 204  # htmx leaves the page as it is
# The form's first row, and what it draws in its own way; all other fields follow under "More".
FIRST_FIELDS = ("gpus", "gpu_type", "cpus", "mem", "time", "partition")


@require_safe
@login_required
def plan(request: HttpRequest) -> HttpResponse:
    """``?cluster=`` chooses, the fields of the form ask: reloading asks the same again.
    ``?experiment=`` alone asks what the experiment asks for."""
    actor, now = actor_of(request), timezone.now()
    experiment = experiment_of(actor, request.GET.get("experiment"))
    cluster = chosen_cluster(actor, request.GET.get("cluster"), experiment)
    if cluster is None:
        return render(request, "planner/no_cluster.html", {"section": "plan"})
    if experiment and "ask" not in request.GET:
        address = address_of_experiment(request, experiment, cluster, now)
        if address is not None:
            return redirect(address)
    return planning_page(request, cluster, ScriptForm(None), now)


def planning_page(
    request: HttpRequest, cluster: Cluster, script_form: ScriptForm, now: datetime
) -> HttpResponse:
    actor = actor_of(request)
    queue_at = queue_read_at(cluster)
    form = _form(request, actor, cluster, now)
    question = None
    if form.is_bound and form.is_valid() and queue_at is not None:
        question = questions.ask(actor, cluster, form.request, now)
    context = _queue(actor, cluster, queue_at, now) | {
        "section": "plan",
        "form": form,
        "script_form": script_form,
        "first_fields": FIRST_FIELDS,
        "kept_fields": _kept_fields(request, form),
        "record": kept_track_record(cluster, Choice(), now),
    }
    return render(request, "planner/plan.html", context | _answer(request, question))


@require_POST
@login_required
def plan_script(request: HttpRequest) -> HttpResponse:
    """Redirects to the question that a batch script asks; 400 with its form where it cannot be
    read."""
    cluster = chosen_cluster(actor_of(request), request.POST.get("cluster"))
    if cluster is None:
        raise Http404
    now = timezone.now()
    form = ScriptForm(request.POST, request.FILES, now=now)
    if form.is_valid():
        experiment = request.POST.get("experiment", "")
        return redirect(address_of(request, cluster, form.asked, form.text, experiment))
    answer = planning_page(request, cluster, form, now)
    answer.status_code = 400
    return answer


@require_safe
@login_required
def plan_queue(request: HttpRequest, name: str) -> HttpResponse:
    """The part of the page that follows the queue, if there is a newer forecast than ``?seen=``."""
    actor, now = actor_of(request), timezone.now()
    cluster = get_object_or_404(actor.clusters(), name=name)
    context = _queue(actor, cluster, queue_read_at(cluster), now)
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "planner/_queue.html", context | {"is_update": True})


@require_safe
@login_required
def plan_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer to one's own question, or how long it has been waited for; nothing where the page
    has it already: ``?seen=``."""
    question = get_object_or_404(
        Question.objects.select_related("cluster"), pk=pk, asked_by=request.user
    )
    if request.GET.get("seen") == version(question):
        return HttpResponse(status=NOTHING_NEW)
    return render(request, "planner/_answer.html", _answer(request, question))


def chosen_cluster(
    actor: Actor, name: str | None, experiment: Experiment | None = None
) -> Cluster | None:
    """The named cluster, else the experiment's, else the first: a page is better than a question
    which."""
    if name and "\0" not in name:  # which PostgreSQL would refuse to look for
        return get_object_or_404(actor.clusters(), name=name)
    if experiment and experiment.cluster:
        return experiment.cluster
    return actor.clusters().first()


def experiment_of(actor: Actor, pk: str | None) -> Experiment | None:
    """404 where it is named and may not be seen; nonsense names none."""
    if not (pk and pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return get_object_or_404(actor.experiments(), pk=pk)


def _form(request: HttpRequest, actor: Actor, cluster: Cluster, now: datetime) -> PlanForm:
    user = actor.unix_name(cluster) or ""
    known = choices(actor, cluster, user)
    if "ask" in request.GET:
        return PlanForm(request.GET, known=known, user=user, now=now)
    form = PlanForm(None, known=known, user=user, now=now)
    form.initial = {name: request.GET[name] for name in form.fields if name in request.GET}
    form.initial["partition"] = request.GET.getlist("partition")
    return form


def _kept_fields(request: HttpRequest, form: PlanForm) -> list[tuple[str, str]]:
    """What a changed request carries on of the address, besides the form's own fields."""
    address = kept(request.GET)
    pairs = ((name, value) for name in address for value in address.getlist(name))
    return [(name, value) for name, value in pairs if name not in form.fields]


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


def _answer(request: HttpRequest, question: Question | None) -> dict[str, object]:
    experiment = experiment_of(actor_of(request), request.GET.get("experiment"))
    told = shown(question, request.GET, script_of(request), timezone.now())
    return told | {"experiment": experiment}
