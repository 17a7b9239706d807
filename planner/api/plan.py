"""``POST /api/v1/plan``: where and when a hypothetical job would start."""

from __future__ import annotations

import re
import time
from threading import BoundedSemaphore
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from planner.api.plan_request import PlanRequest, asked_of
from planner.asking import questions
from planner.forecasting.newest import queue_read_at
from planner.models import Question
from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem, bad_field
from tracker.models import Actor, Cluster

WAITERS = BoundedSemaphore(2)  # a process: metrics of training jobs need the other threads
MAX_WAIT_S = 10.0
USUAL_WAIT_S = 8.0  # the one-file client gives up a request after ten
LOOK_EVERY_S = 0.2
WAIT_PREFERENCE = re.compile(r"\bwait=([0-9]{1,4})\b", re.ASCII)


PREFER = OpenApiParameter(
    "Prefer", str, OpenApiParameter.HEADER, description="wait=N: answer after at most N ≤ 10 s"
)
IGNORED = OpenApiParameter(
    "ignored", str, many=True, description="as Location has it: options that were not considered"
)
ANSWERS = {
    200: OpenApiResponse(
        dict,
        "options, the earliest finish first; best and default are places in them. Where complete is"
        " false more follows at Location: start times marked approximate, then changes, walltime,"
        " by_hour, when and why, then those of the best option simulated. method is ensemble; or"
        " plan, where nothing is known of the past: then p10_s, p90_s and p_within_10_min are null."
        " A start beyond horizon_s is null and named in later_than_horizon.",
    ),
    202: OpenApiResponse(dict, "Nothing to tell yet; ask again at Location."),
}
MAX_IGNORED = 200


class PlanView(ActorView):
    @extend_schema(request=PlanRequest, responses=ANSWERS, parameters=[PREFER])
    def post(self, request: HttpRequest) -> Response:
        body = PlanRequest(data=request.data)
        body.is_valid(raise_exception=True)
        fields, now = body.validated_data, timezone.now()
        cluster = cluster_of(self.actor, fields.get("cluster", ""))
        asked, ignored = asked_of(self.actor, cluster, fields, now)
        if queue_read_at(cluster) is None:
            raise Problem(409, f"{cluster} has not been polled yet; ask again in a minute.")
        question = questions.ask(self.actor, cluster, asked, now)
        _wait(question, _patience_s(request))
        ignored += sorted(set(request.data) - set(body.fields))
        return _respond(question, ignored[:MAX_IGNORED])


class QuestionView(ActorView):
    @extend_schema(responses=ANSWERS, parameters=[PREFER, IGNORED])
    def get(self, request: HttpRequest, pk: int) -> Response:
        own = Question.objects.filter(asked_by=self.actor.user)
        question = visible_or_404(own, "Question", pk=pk)
        _wait(question, _patience_s(request) if "Prefer" in request.headers else 0.0)
        return _respond(question, request.query_params.getlist("ignored")[:MAX_IGNORED])


def cluster_of(actor: Actor, name: str) -> Cluster:
    """The named one, else the only one; a Problem names those that there are."""
    found = {cluster.name: cluster for cluster in actor.clusters()}
    if not found:
        raise Problem(409, "There is no cluster yet; staff can add one.")
    if name in found:
        return found[name]
    if not name and len(found) == 1:
        return next(iter(found.values()))
    raise bad_field("cluster", name or None, f"give one of {', '.join(sorted(found))}")


def _patience_s(request: HttpRequest) -> float:
    """Seconds of ``Prefer: wait=N`` (RFC 7240)."""
    preferred = WAIT_PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(MAX_WAIT_S, float(preferred[1])) if preferred else USUAL_WAIT_S


def _wait(question: Question, patience_s: float) -> None:
    """Wait for the answer, unless as many callers wait already as the web's threads can spare."""
    if not WAITERS.acquire(blocking=False):
        return
    try:
        until_s = time.monotonic() + patience_s
        while question.is_open and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S)
            question.refresh_from_db()
    finally:
        WAITERS.release()


def _respond(question: Question, ignored: list[str]) -> Response:
    if question.state == Question.State.FAILED:
        raise Problem(503, "The question could not be answered; staff see why in the admin.")
    address = reverse("plan-question", args=[question.pk])
    if ignored:
        address += f"?{urlencode({'ignored': ignored}, doseq=True)}"
    headers = {"Location": address} | ({"Retry-After": "1"} if question.is_open else {})
    if question.answer is None:
        told = {"id": question.pk, "state": question.state, "asked_at": question.asked_at}
        return Response(told | {"location": address}, status=202, headers=headers)
    told = questions.answer_json(question, timezone.now(), ignored)
    return Response(told | {"location": address}, headers=headers)
