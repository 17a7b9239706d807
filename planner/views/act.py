"""From an answer to a run, and what the run's start made of it."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from planner.asking.act_forms import OptionStartForm
from planner.asking.told_option import ToldOption
from planner.models import Promise, Question
from planner.watches import promises
from tracker.models import Run
from tracker.spread import Axis
from tracker.views.base import actor_of
from tracker.views.run import visible_run

NOTHING_SAID = 204  # htmx leaves the page as it is


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def option_start(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Which experiment to start with this option; then its start page, filled in.

    ``number``: the option's place in the answer, unless the form says which one was seen: answers
    are ranked anew while they are refined.
    """
    question = get_object_or_404(
        Question.objects.select_related("cluster"), pk=pk, asked_by=request.user
    )
    option = _seen(question, number, request.POST.get("sbatch") or request.GET.get("sbatch"))
    form = _form(request, option)
    if form.is_bound and form.is_valid():
        chosen = form.cleaned_data["experiment"]
        promise = promises.choose(request.user, question, option, chosen, timezone.now())
        _tell_left_out(request, promise)
        return redirect(promises.start_url(promise))
    context = {
        "section": "plan",
        "question": question,
        "number": number,
        "told": ToldOption.of(option, question.snapshot_at),
        "command": f"sbatch {_sbatch(option)} SCRIPT.sh",
        "form": form,
        "new_experiment": promises.new_experiment_url(question, option),
    }
    status = 400 if form.is_bound else 200
    return render(request, "planner/option_start.html", context, status=status)


def _form(request: HttpRequest, option: dict[str, Any]) -> OptionStartForm:
    experiments = actor_of(request).editable_experiments().filter(archived_at=None)
    shown = {"sbatch": _sbatch(option), "experiment": request.GET.get("experiment") or None}
    data = request.POST if request.method == "POST" else None
    return OptionStartForm(data, experiments=experiments, initial=shown)


@require_safe
@login_required
def run_promised(request: HttpRequest, pk: str) -> HttpResponse:
    """The part of a run's page that holds what was foretold of its start against what came."""
    run = visible_run(actor_of(request), pk)
    if not (said := promises.said_of(run)):
        return HttpResponse(status=NOTHING_SAID)
    return render(request, "planner/_run_promised.html", _held_against(run, said, timezone.now()))


def _held_against(run: Run, said: list[promises.Said], now: datetime) -> dict[str, object]:
    """All on one axis, from when the first was said to the start, or to now while it waits."""
    started_at = promises.first_start(run)
    times = [at for one in said for at in (one.p50_at, one.p90_at)]
    axis = Axis.around(min(one.at for one in said), [*times, started_at or now])
    rows = [
        {
            "said": one,
            "span": axis.span(
                one.p10_at, one.p50_at, one.p90_at, is_open="p90" in one.later_than_horizon
            ),
            "verdict": started_at and one.verdict(started_at),
            "off_by": started_at and one.off_by(started_at),
        }
        for one in said
    ]
    return {
        "run": run,
        "rows": rows,
        "axis": axis,
        "started_at": started_at,
        "started_place": started_at and f"{axis.place(started_at):.2f}",
        "now": now,
    }


def _seen(question: Question, number: int, sbatch: str | None) -> dict[str, Any]:
    """The option; Http404 where it is none of the answer's, or not allowed."""
    options = question.answer["options"] if question.answer else []
    if sbatch:
        chosen = next((one for one in options if _sbatch(one) == sbatch), None)
    else:
        chosen = options[number] if number < len(options) else None
    if chosen is None or not chosen["allowed"]:
        raise Http404("The answer has no such option any more; ask again.")
    return chosen


def _sbatch(option: dict[str, Any]) -> str:
    return shlex.join(option["sbatch_args"])


def _tell_left_out(request: HttpRequest, promise: Promise) -> None:
    left_out = promises.asks_for(promise.experiment, promise.option).left_out
    if left_out:
        messages.warning(
            request,
            f"{' '.join(left_out)} is part of the option but has no field here: write it into the "
            "script as #SBATCH lines, or expect another start than promised.",
        )
