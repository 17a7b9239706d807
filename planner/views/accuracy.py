"""The accuracy page: what was told of waits, and what came of it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from planner import charts
from planner.forms import AccuracyForm
from planner.record import replay
from planner.record.track_record import (
    Choice,
    TrackRecord,
    partitions_seen_by,
    record_for,
    track_record,
)
from planner.views.plan import chosen_cluster
from tracker.views.base import actor_of


@require_safe
@login_required
def accuracy(request: HttpRequest) -> HttpResponse:
    """``?cluster=&days=&partition=&milestone=``; 400 with the form where one of them is wrong."""
    actor = actor_of(request)
    cluster = chosen_cluster(actor, request.GET.get("cluster"))
    if cluster is None:
        return render(request, "planner/no_cluster.html", {"section": "accuracy"})
    form = AccuracyForm(request.GET, partitions=partitions_seen_by(actor, cluster))
    replayed, asked = replay.progress(cluster)
    context = {
        "section": "accuracy",
        "cluster": cluster,
        "form": form,
        "replayed": replayed,
        "replays_asked": asked,
    }
    if not form.is_valid():
        return render(request, "planner/accuracy.html", context, status=400)
    record = record_for(actor, cluster, form.choice, timezone.now())
    return render(request, "planner/accuracy.html", context | _shown(record))


@require_safe
@login_required
def line(request: HttpRequest, name: str) -> HttpResponse:
    """The planning page's line, measured: fetched by a page that found none kept."""
    cluster = get_object_or_404(actor_of(request).clusters(), name=name)
    record = track_record(cluster, Choice(), timezone.now())
    return render(request, "planner/_accuracy_line.html", {"cluster": cluster, "record": record})


def _shown(record: TrackRecord) -> dict[str, object]:
    shares = charts.reliability(record.reliability, record.history_reliability)
    waits = charts.predicted_against_actual(record.points, record.slurm_points)
    return {"record": record, "shares_figure": shares, "waits_figure": waits}
