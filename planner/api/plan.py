"""``POST /api/v1/plan``: where and when a hypothetical job would start."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response

from planner import questions
from planner.choices import choices, unknown_names
from planner.models import Question
from planner.request import (
    MAX_COUNT,
    Request,
    features_of,
    limit_minutes_of,
    mem_mib_of,
    request_of,
)
from tracker.api.base import ActorView, visible_or_404
from tracker.api.problems import Problem, bad_field
from tracker.models import Actor, Cluster

WAITERS = BoundedSemaphore(2)  # a process: metrics of training jobs need the other threads
MAX_WAIT_S = 10.0
LOOK_EVERY_S = 0.2
WAIT_PREFERENCE = re.compile(r"\bwait=([0-9]{1,4})\b", re.ASCII)


class Parsed(serializers.CharField):
    """Text as sbatch takes it, kept as what ``parse`` makes of it."""

    def __init__(self, parse: Callable[[str], Any], help_text: str) -> None:
        super().__init__(required=False, allow_blank=True, max_length=255, help_text=help_text)
        self.parse = parse

    def run_validation(self, data: object = serializers.empty) -> Any:
        # After the validators of the text, which cannot measure what parse makes of it.
        try:
            return self.parse(super().run_validation(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


def whole(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_COUNT, help_text=help_text
    )


def word(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text=help_text
    )


def partitions_of(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


class PlanRequest(serializers.Serializer):
    """The fields of ``manage.py plan``; all are optional."""

    cluster = word("needed where there are several")
    user = word("unix name; staff may ask for others")
    account = word("empty: the user's first")
    qos = word("empty: the default")
    partition = Parsed(partitions_of, "one, or several: a,b; empty: all")
    nodes = whole("default 1")
    ntasks = whole("in all; default one for each node")
    cpus = whole("for each task; default 1")
    mem = Parsed(mem_mib_of, "on each node, such as 64G")
    gpus = whole("in all")
    gpu_type = word("such as a100")
    constraint = Parsed(features_of, "features that every node has: a&b")
    time = Parsed(limit_minutes_of, "minutes, or such as 2:00:00 or 1-12:00:00")
    script = word("not read yet: give its options as fields")

    def validate_script(self, text: str) -> str:
        if text:
            raise serializers.ValidationError(
                "Batch scripts are not read yet; give their options as fields."
            )
        return text


PREFER = OpenApiParameter(
    "Prefer", str, OpenApiParameter.HEADER, description="wait=N: answer after at most N ≤ 10 s"
)
ANSWERS = {
    200: OpenApiResponse(
        dict,
        "Options, the earliest start first. method is ensemble; or plan, where nothing is known of"
        " the past: then p10_s, p90_s and p_within_10_min are null. A start beyond horizon_s is"
        " null and named in later_than_horizon. smallest_change, walltime and by_hour are not"
        " filled yet.",
    ),
    202: OpenApiResponse(dict, "Not answered yet; ask again at Location."),
}


class PlanView(ActorView):
    @extend_schema(request=PlanRequest, responses=ANSWERS, parameters=[PREFER])
    def post(self, request: HttpRequest) -> Response:
        body = PlanRequest(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        cluster = cluster_of(self.actor, fields.get("cluster", ""))
        asked = _request(self.actor, cluster, fields)
        if questions.queue_read_at(cluster) is None:
            raise Problem(409, f"{cluster} has not been polled yet; ask again in a minute.")
        question = questions.ask(self.actor, cluster, asked, timezone.now())
        _wait(question, _patience_s(request))
        return _respond(question, ignored=sorted(set(request.data) - set(body.fields)))


class QuestionView(ActorView):
    @extend_schema(responses=ANSWERS, parameters=[PREFER])
    def get(self, request: HttpRequest, pk: int) -> Response:
        own = Question.objects.filter(asked_by=self.actor.user)
        question = visible_or_404(own, "Question", pk=pk)
        _wait(question, _patience_s(request) if "Prefer" in request.headers else 0.0)
        return _respond(question, ignored=[])


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


def _request(actor: Actor, cluster: Cluster, fields: dict[str, Any]) -> Request:
    own = actor.unix_name(cluster) or ""
    user = fields.get("user") or own
    if user != own and not actor.is_staff:
        raise bad_field("user", user, f"only staff ask for others; leave it out ({own or 'you'})")
    try:
        asked = request_of(fields, user)
    except ValueError as error:
        raise bad_field("ntasks", fields.get("ntasks"), str(error)) from error
    for name, message in unknown_names(asked, choices(actor, cluster, user)).items():
        raise bad_field(name, fields.get(name), message)
    return asked


def _patience_s(request: HttpRequest) -> float:
    """Seconds of ``Prefer: wait=N`` (RFC 7240), at most and by default MAX_WAIT_S."""
    preferred = WAIT_PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(MAX_WAIT_S, float(preferred[1])) if preferred else MAX_WAIT_S


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
    if question.is_open:
        where = {"Location": reverse("plan-question", args=[question.pk]), "Retry-After": "1"}
        told = {"id": question.pk, "state": question.state, "asked_at": question.asked_at}
        return Response(told, status=202, headers=where)
    return Response(questions.answer_json(question, timezone.now()) | {"ignored": ignored})
