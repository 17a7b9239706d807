"""The one-file client, for ``curl -O`` on a login node: open to all, since it holds no secret."""

from __future__ import annotations

from pathlib import Path

from django.http import HttpRequest, HttpResponse

from tracker.api.plain import answers_problems

CLIENT = Path(__file__).resolve().parent.parent / "client" / "queuecast.py"


@answers_problems("GET", "HEAD")
def client_file(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(CLIENT.read_bytes(), content_type="text/x-python; charset=utf-8")
