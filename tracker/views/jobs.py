"""One's own jobs, over all clusters where staff have said who one is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tracker.models import Actor, Cluster, ClusterAccount, Job, StartEstimate
from tracker.slurm.reasons import Explanation, explain
from tracker.slurm.states import WAITING_STATES
from tracker.views.base import actor_of, page_of

# What the filter offers, and which jobs that means.
STATES = {
    "open": Q(in_queue=True),
    "waiting": Q(in_queue=True, state__in=WAITING_STATES),
    "running": Q(in_queue=True) & ~Q(state__in=WAITING_STATES),
    "ended": Q(in_queue=False),
    "all": Q(),
}


def own_jobs(actor: Actor, clusters: Iterable[Cluster]) -> QuerySet[Job]:
    """Jobs of the unix users that this actor is, with newest estimate and the runs it may see."""
    accounts = ClusterAccount.objects.filter(user=actor.user, cluster__in=clusters)
    mine = Q(pk=None)
    for cluster_id, unix_name in accounts.values_list("cluster", "unix_name"):
        mine |= Q(cluster=cluster_id, user=unix_name)
    newest = StartEstimate.objects.filter(is_newest=True)
    return (
        Job.objects.filter(mine)
        .select_related("cluster")
        .prefetch_related(
            Prefetch("estimates", newest, to_attr="newest_estimates"),
            Prefetch("runs", actor.runs(), to_attr="seen_runs"),
        )
    )


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as lists show it."""

    job: Job
    explanation: Explanation | None  # of why it waits; None: it does not
    waited_s: float | None  # from submission to its start, or until now
    ran_s: float | None
    estimate: StartEstimate | None


def job_rows(jobs: Iterable[Job], now: datetime) -> list[JobRow]:
    """Of jobs as :func:`own_jobs` gives them."""
    return [_row(job, now) for job in jobs]


def _row(job: Job, now: datetime) -> JobRow:
    if job.in_queue and job.state in WAITING_STATES:
        waited_s = (now - job.submit_at).total_seconds()
        estimate = next(iter(job.newest_estimates), None)
        return JobRow(job, explain(job.reason or "None"), waited_s, None, estimate)
    if job.start_at is None:
        return JobRow(job, None, None, None, None)
    end_at = now if job.in_queue else job.end_at
    ran_s = None if end_at is None else (end_at - job.start_at).total_seconds()
    return JobRow(job, None, (job.start_at - job.submit_at).total_seconds(), ran_s, None)


@require_safe
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    chosen = request.GET.get("state", "open")
    if chosen not in STATES:
        chosen = "open"
    found = own_jobs(actor, actor.clusters()).filter(STATES[chosen])
    accounts = ClusterAccount.objects.filter(user=request.user).select_related("cluster")
    page = page_of(request, found)
    context = {
        "section": "jobs",
        "page": page,
        "rows": job_rows(page, timezone.now()),
        "states": list(STATES),
        "chosen": chosen,
        "accounts": list(accounts),
    }
    return render(request, "tracker/jobs.html", context)
