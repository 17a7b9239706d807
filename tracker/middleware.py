"""What holds for every request and answer, whichever view it belongs to."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse

from tracker.api.problems import problem_response

View = Callable[[HttpRequest], HttpResponse]


def private_answers(view: View) -> View:
    """Answers are for one reader: no cache keeps them, nor does a browser after signing out.

    A view with a Cache-Control of its own keeps it; static files do not come this way.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = view(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def content_policy(view: View) -> View:
    """CONTENT_SECURITY_POLICY on every answer. It names no nonce, so it is built once: the
    package's own middleware builds it twice an answer, which takes as long as storing a point."""
    policy = build_policy()

    def answer(request: HttpRequest) -> HttpResponse:
        response = view(request)
        response.headers.setdefault(HEADER, policy)
        return response

    return answer


def no_nul_in_paths(view: View) -> View:
    """404 for %00 in a path: nothing is called so, and PostgreSQL refuses to compare with it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            return problem_response(404, "The address holds a NUL (%00); nothing is called so.")
        return view(request)

    return answer
