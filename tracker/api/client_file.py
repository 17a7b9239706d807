"""The one-file client, for ``curl -O`` on a login node: open to all, since it holds no secret."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from tracker.api.plain import answers_problems
from tracker.client.onefile import client_source


@answers_problems("GET", "HEAD")
def client_file(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(client_source(), content_type="text/x-python; charset=utf-8")
