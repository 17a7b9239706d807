"""One run: how it stands, its curves, its configuration, its job. Open runs refresh themselves."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh

from tracker.models import Actor, Attempt, MetricSeries, Run
from tracker.submission.cancelling import shown_id
from tracker.views.base import actor_of
from tracker.views.config_diff import settings_of
from tracker.views.curves_data import curve_controls, curves_of, series_of
from tracker.views.job_facts import asked_and_got, record
from tracker.views.run_cards import cards_of
from tracker.views.run_log import log_of
from tracker.views.run_places import files_of
from tracker.views.run_rows import value_of, with_newest_estimate
from tracker.views.run_standing import Standing
from tracker.views.run_submission import deeds_of, sent_as
from tracker.views.run_surroundings import surroundings_of
from tracker.views.run_usage import usage_of
from tracker.views.run_words import words_of

RUN_ID = re.compile(r"[0-9a-f]{32}")
REFRESH_S = 15
SOON_REFRESH_S = 3  # while it is being sent, or was told to end lately
LATELY = timedelta(minutes=2)
SIBLINGS = 200  # newest other runs of the experiment that a configuration is compared with


@require_safe
@login_required
def run(request: HttpRequest, pk: str) -> HttpResponse:
    actor, now = actor_of(request), timezone.now()
    if RUN_ID.fullmatch(pk) and actor.deleted_runs().filter(pk=pk).exists():
        messages.info(request, "This run is deleted. Tick and restore it here.")
        return redirect(f"{reverse('runs')}?which=deleted&q={pk}")
    run = visible_run(actor, pk)
    attempt = _attempt(run)
    siblings = Run.objects.filter(experiment=run.experiment, deleted_at=None).exclude(pk=run.pk)
    siblings = [_with_seed(*one) for one in siblings.values_list("seed", "config")[:SIBLINGS]]
    context = {
        "section": "experiments",
        "settings": settings_of(_with_seed(run.seed, run.config), siblings),
        "sibling_count": len(siblings),
        "files": files_of(run, actor),
        **usage_of(run, actor),
        **_live(run, attempt, series_of(run), now),
        **_job(actor, run, attempt),
        **words_of(run, actor),
        **surroundings_of(run),
        "deeds": deeds_of(actor, run),
        "sent": sent_as(run),
        "job_id": shown_id(run),
        "log": log_of(actor, run),
        "controls": curve_controls(request.GET),
    }
    return render(request, "tracker/run.html", context)


@require_safe
@login_required
def run_live(request: HttpRequest, pk: str) -> HttpResponse:
    """The part that changes; 204 where nothing has since the version named by ?seen=, and the whole
    page anew where more than this part has since ?stage=."""
    run = visible_run(actor_of(request), pk)
    series = series_of(run)
    if request.GET.get("stage", _stage(run)) != _stage(run):
        return HttpResponseClientRefresh()
    if request.GET.get("seen") == _version(run, series):
        return HttpResponse(status=204)
    context = _live(run, _attempt(run), series, timezone.now()) | {"is_update": True}
    return render(request, "tracker/_run_live.html", context)


def _with_seed(seed: int | None, config: dict[str, object]) -> dict[str, object]:
    return config if seed is None else {"seed": seed, **config}


def visible_run(actor: Actor, pk: str) -> Run:
    if not RUN_ID.fullmatch(pk):  # no run's id, and perhaps with a NUL that PostgreSQL refuses
        raise Http404
    runs = actor.runs().select_related("experiment", "cluster", "job", "submission", "created_by")
    return get_object_or_404(with_newest_estimate(runs), pk=pk)


def _attempt(run: Run) -> Attempt | None:
    return run.job.attempts.filter(number=run.attempt).first() if run.job else None


def _live(
    run: Run, attempt: Attempt | None, series: list[MetricSeries], now: datetime
) -> dict[str, object]:
    for one in series:
        one.last_value = value_of(one.last_bits)
    standing = Standing.of(run, attempt, now)
    estimates = run.job.newest_estimates if run.job else []
    return {
        "run": run,
        "now": now,
        "standing": standing,
        "cards": cards_of(run, standing),
        "estimate": estimates[0] if estimates else None,
        "series": series,
        **curves_of(series),
        "version": _version(run, series),
        "stage": _stage(run),
        "refresh_s": SOON_REFRESH_S if _changes_soon(run, now) else REFRESH_S,
    }


def _changes_soon(run: Run, now: datetime) -> bool:
    asked_at = run.cancel_asked_at
    return run.status == Run.Status.SUBMITTING or bool(asked_at and now - asked_at < LATELY)


def _stage(run: Run) -> str:
    """Changes when what can be done about the run, or what is known of its job, does."""
    state = run.submission.state if run.submission else "none"
    return f"{state}-{run.job_id or 0}-{run.started_at is not None:d}-{run.is_open:d}"


def _version(run: Run, series: list[MetricSeries]) -> str:
    """Changes when anything that the live part shows does."""
    estimate = run.job.newest_estimates[:1] if run.job else []
    seen = [
        run.updated_at,
        (run.status, run.reason, run.message, run.cancel_asked_at, run.cancel_sent_at),
        run.submission and (run.submission.state, run.submission.error),
        run.job and run.job.changed_at,
        *(one.pk for one in estimate),
        *((one.pk, one.count) for one in series),
    ]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _job(actor: Actor, run: Run, attempt: Attempt | None) -> dict[str, object]:
    """What is shown of the job itself: nothing where the cluster keeps jobs private."""
    job = run.job
    if job is None or not actor.jobs(job.cluster).filter(pk=job.pk).exists():
        return {"job_is_private": job is not None}
    return {
        "asked": asked_and_got(job, attempt),
        "record": record(job),
        "attempts": job.attempts.all(),
    }
