"""The root-path contracts that jobs and epilogs know, and their twins under /api/v1."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from tracker import recording
from tracker.api import bodies
from tracker.api.authentication import actor_of
from tracker.api.base import visible_or_404
from tracker.api.parsing import INT64
from tracker.api.plain import answers_problems, json_body, signed_in
from tracker.api.problems import HOW_TO_SIGN_IN, Problem
from tracker.api.throttling import caller_of, check_rate
from tracker.models import Actor, Experiment, Run, Token
from tracker.recording import ConflictError
from tracker.slurm.jobids import JobId
from tracker.tasks import ring_for_hints


@answers_problems("POST")
def create_run(request: HttpRequest, experiment_id: str) -> HttpResponse:
    actor = signed_in(request)
    run, is_new = create_run_in(actor, experiment_id, json_body(request))
    return JsonResponse({"run_id": run.pk}, status=201 if is_new else 200)


@answers_problems("POST")
def slurm_webhook(request: HttpRequest) -> HttpResponse:
    """Noted, to be looked up; 202 for every id, also a repeated or an unknown one."""
    actor = _teller(request)
    fields = json_body(request) if request.content_type == "application/json" else _form(request)
    if not isinstance(fields, dict):
        raise Problem(400, 'The body is no object; send {"job_id": …}, or job_id=… as a form.')
    hint = bodies.hint(fields)
    cluster = hint.cluster
    if actor and not _may_tell_of(actor, hint.job_id):
        raise PermissionDenied("Telling of this job needs a token of scope webhook or user.")
    if actor and actor.token and actor.token.cluster:
        bound = actor.token.cluster
        if cluster not in (None, bound):
            raise PermissionDenied(f"This token tells of {bound} only, not of {cluster}.")
        cluster = bound
    recording.remember_hint(
        hint.job_id, cluster=cluster, said_status=hint.said_status, now=timezone.now()
    )
    ring_for_hints()
    return JsonResponse({"accepted": True}, status=202)


def run_to_log_to(actor: Actor, run_id: str) -> Run:
    """404 for a run it may not see, 403 for one that it may only see, 409 for a deleted one: a
    job that logs to it keeps its points until somebody restores it."""
    if actor.deleted_runs().filter(pk=run_id).exists():
        raise ConflictError("run", f"{run_id} is deleted; restore it to log to it")
    run = visible_or_404(actor.runs().select_related("experiment"), "Run", pk=run_id)
    if not actor.may_log_to(run):
        raise PermissionDenied(f"You may see run {run_id}, and not write to it.")
    return run


def create_run_in(actor: Actor, experiment_id: str, body: object) -> tuple[Run, bool]:
    experiment = _experiment(actor, experiment_id)
    new = bodies.new_run(body)
    return recording.create_run(
        experiment,
        actor=actor,
        cluster=new.cluster,
        slurm_job_id=new.slurm_job_id,
        seed=new.seed,
        config=new.config,
        key=new.key,
        name=new.name,
    )


def _experiment(actor: Actor, experiment_id: str) -> Experiment:
    is_id = experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) <= 19
    seen = actor.experiments().select_related("cluster")
    experiment = (
        seen.filter(pk=int(experiment_id)).first()
        if is_id and int(experiment_id) in INT64
        else None
    )
    if experiment is None:
        own = actor.token.experiment_id if actor.token else None
        cure = f" Your token is for experiment {own}: is EXPERIMENT_ID that one?" if own else ""
        raise Problem(404, f"Experiment {experiment_id[:40]} is none that you may see.{cure}")
    if not actor.may_create_run(experiment):
        raise PermissionDenied(f"You may see experiment {experiment_id}, and not add runs to it.")
    return experiment


def _teller(request: HttpRequest) -> Actor | None:
    """Who tells of a job; None for a host that is trusted without a token."""
    actor = actor_of(request)
    if actor is None:
        address = request.META.get("REMOTE_ADDR", "")
        if not _is_trusted(request, address):
            raise Problem(401, f"A webhook needs a token of scope webhook. {HOW_TO_SIGN_IN}")
        check_rate("address", address)
        return None
    check_rate(*caller_of(actor))
    return actor


def _may_tell_of(actor: Actor, job_id: JobId) -> bool:
    """A hint only makes us look: anybody gives one who may write, a run's token of its own job."""
    if actor.scope == Token.Scope.RUN:
        return actor.runs().filter(slurm_job_id=job_id.base).exists()
    return actor.may_write or actor.scope == Token.Scope.WEBHOOK


def _is_trusted(request: HttpRequest, address: str) -> bool:
    # Behind a proxy every request has the proxy's address: no caller is known by it.
    if not address or "X-Forwarded-For" in request.headers:
        return False
    caller = ip_address(address)
    return any(caller in net for net in settings.WEBHOOK_TRUSTED_NETS)


def _form(request: HttpRequest) -> dict[str, object]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise Problem(415, f'Content-Type is "{request.content_type}"; send a form or JSON.')
    return dict(request.POST.items())
