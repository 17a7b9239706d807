"""What is done to runs by hand: cancel them, look at their job, say which job it is."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tracker import polling, recording, submission, tasks
from tracker.forms import JobChoiceForm
from tracker.models import Actor, Run, Submission
from tracker.recording import ConflictError
from tracker.submission.cancelling import shown_id
from tracker.views.base import actor_of, editable_experiment
from tracker.views.own_runs import own_runs
from tracker.views.run import visible_run
from tracker.views.run_submission import deeds_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def run_cancel(request: HttpRequest, pk: str) -> HttpResponse:
    """Asks once more, and cancels."""
    actor = actor_of(request)
    run = _editable_run(actor, pk)
    if request.method != "POST":
        deeds = deeds_of(actor, run)
        if not deeds.cancel:
            messages.info(request, deeds.why_not_cancel or "There is nothing to cancel.")
            return redirect(run)
        is_task = run.array_task_id is not None  # one of an array, and cancelled alone
        shared = run.job.runs.exclude(pk=run.pk).count() if run.job and not is_task else 0
        context = {
            "section": "experiments", "run": run, "job_id": shown_id(run), "shared": shared,
        }  # fmt: skip
        return render(request, "tracker/run_cancel.html", context)
    try:
        submission.ask_cancel(run, actor=actor, now=timezone.now(), ring=tasks.ring_for_cancels)
    except ConflictError as conflict:
        messages.error(request, f"It was not cancelled. {conflict.sentence}")
    return redirect(run)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def cancel_mine(request: HttpRequest) -> HttpResponse:
    """Tells how many runs would be cancelled, and where, and cancels them."""
    actor = actor_of(request)
    known = own_runs(actor)
    if request.method != "POST":
        context = {
            "section": "jobs", "places": known,
            "count": sum(one.open_runs for one in known if not one.why_not),
        }  # fmt: skip
        return render(request, "tracker/cancel_mine.html", context)
    for one in known:
        if one.why_not:
            continue
        count = submission.ask_cancel_all(
            actor, one.cluster, now=timezone.now(), ring=tasks.ring_for_cancels
        )
        many = f"{count} run{pluralize(count)}"
        messages.success(request, f"Cancelling of {many} on {one.cluster} was asked.")
    return redirect("jobs")


@require_POST
@login_required
def run_decide(request: HttpRequest, pk: str) -> HttpResponse:
    """A person's word on a submission that nobody knows the fate of: its job, none, or give up."""
    actor = actor_of(request)
    run = _editable_run(actor, pk)
    try:
        if run.submission is None:
            raise ConflictError("run", "was not started here, so there is nothing to decide")
        if "give_up" in request.POST:
            _give_up(run.submission, actor)
        else:
            submission.decide_unclear(
                run.submission,
                actor=actor,
                job_id=None if "again" in request.POST else _job_id(request),
                at=timezone.now(),
                ring=tasks.ring_for_submission,
            )
    except ConflictError as conflict:
        messages.error(request, conflict.sentence)
    return redirect(run)


@require_safe
@login_required
def run_slurm(request: HttpRequest, pk: str) -> HttpResponse:
    """The part of the run's page that holds what Slurm's controller says of its job."""
    actor = actor_of(request)
    run = visible_run(actor, pk)
    job = run.job
    if job is None or not actor.jobs(job.cluster).filter(pk=job.pk).exists():
        raise Http404
    context = {"job": job, "shown": polling.show_job(job.cluster, job.job_id)}
    return render(request, "tracker/_run_slurm.html", context)


def _editable_run(actor: Actor, pk: str) -> Run:
    run = visible_run(actor, pk)
    editable_experiment(actor, run.experiment_id)
    return run


def _give_up(waiting: Submission, actor: Actor) -> None:
    if not recording.withdraw(waiting, actor, timezone.now()):
        waiting.refresh_from_db()
        raise ConflictError("submission", f"is {waiting.state}: there is nothing to give up")


def _job_id(request: HttpRequest) -> int:
    form = JobChoiceForm(request.POST)
    if not form.is_valid():
        raise ConflictError("slurm_job_id", "Give the number of the job, such as 828")
    return form.cleaned_data["slurm_job_id"]
