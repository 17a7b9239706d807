"""Runs side by side: their curves on common axes, which settings differ, and what those do."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tracker.comparing.chosen import (
    RUNS_MAX,
    Chosen,
    chosen_by_id,
    chosen_of_experiment,
    chosen_of_submission,
    settings_of_run,
)
from tracker.comparing.groups import is_seed
from tracker.models import Actor
from tracker.views.base import actor_of
from tracker.views.compare_rows import compared, metrics_in, numbers_of, summaries_of
from tracker.views.config_diff import differences
from tracker.views.curve_controls import controls_of

CHARTS_AT_FIRST = 4


@require_safe
@login_required
def compare(request: HttpRequest) -> HttpResponse:
    chosen = _chosen(actor_of(request), request.GET)
    runs = chosen.runs
    settings = [settings_of_run(run) for run in runs]
    differ = differences(settings)
    summaries = summaries_of(runs)
    metrics = metrics_in(summaries)
    names = [name for name, _ in metrics]
    unseeded = [name for name in differ.names if not is_seed(name)]
    controls = controls_of(request.GET, metrics, CHARTS_AT_FIRST, unseeded)
    rows = compared(runs, differ.rows, summaries, metrics=controls.drawn, hidden=controls.hidden)
    context = {
        "section": "runs",
        "chosen": chosen,
        "runs_max": RUNS_MAX,
        "asked": request.GET.dict(),
        "run_ids": ",".join(run.pk for run in runs),
        "experiments": list({run.experiment_id: run.experiment for run in runs}.values()),
        "rows": rows,
        "differ": differ,
        "controls": controls,
        "is_live": any(run.is_open for run in runs),
        "numbers": numbers_of(rows, settings, summaries, keys=differ.names, metrics=names),
    }
    return render(request, "tracker/compare.html", context)


def _chosen(actor: Actor, query: QueryDict) -> Chosen:
    """``runs`` by id, or all of an ``experiment`` or of a ``submission``; nonsense names none."""
    if "runs" in query:
        return chosen_by_id(actor, query.getlist("runs"))
    for name, choose in (
        ("submission", chosen_of_submission),
        ("experiment", chosen_of_experiment),
    ):
        number = query.get(name, "")
        if number.isascii() and number.isdigit() and len(number) < 19:
            return choose(actor, int(number))
    return Chosen([])
