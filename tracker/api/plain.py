"""The frame of the views that training jobs and epilogs call: Django only, no serializers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated

from tracker.api.authentication import actor_of
from tracker.api.parsing import inflated, parse_json
from tracker.api.problems import Problem, problem_of
from tracker.api.throttling import caller_of, check_rate
from tracker.models import Actor

View = Callable[..., HttpResponse]


def answers_problems(*methods: str) -> Callable[[View], View]:
    """A view for these methods, whose refusals become problem details.

    csrf_exempt for tokens; ``actor_of`` checks it for sessions.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def framed(request: HttpRequest, **kwargs: str) -> HttpResponse:
            try:
                if request.method not in methods:
                    refusal = MethodNotAllowed(request.method)
                    refusal.allowed = methods
                    raise refusal
                return view(request, **kwargs)
            except Exception as exc:
                answer = problem_of(exc, request)
                if answer is None:
                    raise
                return answer

        return framed

    return decorate


def signed_in(request: HttpRequest) -> Actor:
    """Who asks, counted against their rate; raises NotAuthenticated for nobody."""
    actor = actor_of(request)
    if actor is None:
        raise NotAuthenticated
    check_rate(*caller_of(actor))
    return actor


def json_body(request: HttpRequest, parse: Callable[[bytes], object] = parse_json) -> object:
    if request.content_type != "application/json":
        raise Problem(
            415,
            f'Content-Type is "{request.content_type}"; send JSON as "application/json".',
        )
    return parse(inflated(request.body, request.headers.get("Content-Encoding", "")))
