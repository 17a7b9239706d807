"""One's own jobs, over all clusters where staff have said who one is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tracker.models import Actor, Cluster, ClusterAccount, Job, Run, StartEstimate
from tracker.slurm.reasons import Explanation, explain
from tracker.slurm.states import WAITING_STATES
from tracker.views.base import actor_of, page_of
from tracker.views.own_runs import cancellable, own_runs

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
    cancels: Run | None  # the run by which it can be cancelled


def job_rows(
    jobs: Iterable[Job], now: datetime, cancellable: Collection[str] = frozenset()
) -> list[JobRow]:
    """Of jobs as :func:`own_jobs` gives them; ``cancellable`` are ids of runs."""
    return [_row(job, now, _cancels(job, cancellable)) for job in jobs]


def _cancels(job: Job, cancellable: Collection[str]) -> Run | None:
    if len(job.array_tasks) > 1:
        return None  # each of its runs is one task of them, and cancelled on its own page
    return next((run for run in job.seen_runs if run.pk in cancellable), None)


def _row(job: Job, now: datetime, cancels: Run | None) -> JobRow:
    if job.in_queue and job.state in WAITING_STATES:
        waited_s = (now - job.submit_at).total_seconds()
        estimate = next(iter(job.newest_estimates), None)
        return JobRow(job, explain(job.reason or "None"), waited_s, None, estimate, cancels)
    if job.start_at is None:
        return JobRow(job, None, None, None, None, cancels)
    end_at = now if job.in_queue else job.end_at
    ran_s = None if end_at is None else (end_at - job.start_at).total_seconds()
    waited_s = (job.start_at - job.submit_at).total_seconds()
    return JobRow(job, None, waited_s, ran_s, None, cancels)


@require_safe
@login_required
def jobs(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    chosen = request.GET.get("state", "open")
    if chosen not in STATES:
        chosen = "open"
    found = own_jobs(actor, actor.clusters()).filter(STATES[chosen])
    page = page_of(request, found)
    own = own_runs(actor)
    context = {
        "section": "jobs",
        "page": page,
        "rows": job_rows(page, timezone.now(), cancellable(actor, own)),
        "open_runs": sum(one.open_runs for one in own),
        "states": list(STATES),
        "chosen": chosen,
        "accounts": own,
    }
    return render(request, "tracker/jobs.html", context)
