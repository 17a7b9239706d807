"""Every refusal as problem details (RFC 9457): field, value and cure under ``errors``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions

from tracker.recording import ConflictError

SHOWN_CHARS = 200
HOW_TO_SIGN_IN = (
    "Sign in, or send a token: as the password in the address (http://token:SECRET@host), as "
    "'Authorization: Bearer SECRET', or as 'X-Queuecast-Token: SECRET'."
)


@dataclass(frozen=True, slots=True)
class FieldError:
    """``field`` is a path such as ``0.value``; ``message`` says what is wrong and what would do."""

    field: str
    value: object
    message: str


class Problem(exceptions.APIException):
    """A refusal with its status, and the fields that are to blame."""

    def __init__(self, status: int, detail: str, *errors: FieldError) -> None:
        super().__init__(detail)
        self.status_code = status
        self.errors = errors


def bad_field(field: str, value: object, message: str) -> Problem:
    return Problem(400, f"{field}: {message}", FieldError(field, value, message))


def problem_response(
    status: int,
    detail: str,
    errors: Iterable[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if told := [
        {"field": error.field, "value": _shown(error.value), "message": error.message}
        for error in errors
    ]:
        body["errors"] = told
    # Basic would make browsers open their own password window, and keep what is typed there.
    challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return HttpResponse(
        json.dumps(body),
        status=status,
        content_type="application/problem+json",
        headers=challenge | dict(headers or {}),
    )


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """For REST_FRAMEWORK; None leaves a defect of ours to Django, which logs it."""
    return problem_of(exc, context.get("request"))


def problem_of(exc: Exception, request: HttpRequest | None) -> HttpResponse | None:
    """The answer to an exception that is the client's to cure; None for every other."""
    match exc:
        case ConflictError():
            exc = Problem(409, str(exc), FieldError(exc.field, None, exc.message))
        case Http404():
            exc = Problem(404, "There is nothing here that you may see.")
        case PermissionDenied():
            exc = Problem(403, str(exc) or "You may not do this.")
        case RequestDataTooBig():
            exc = too_large()
        case SuspiciousOperation() | BadRequest():
            exc = Problem(400, str(exc))
        case exceptions.NotAuthenticated():
            exc = Problem(401, f"Nobody is signed in. {HOW_TO_SIGN_IN}")
        case exceptions.ValidationError():
            errors = list(_flatten(exc.detail, _sent(request)))
            exc = Problem(400, _summary(errors), *errors)
    if not isinstance(exc, exceptions.APIException):
        return None
    errors = getattr(exc, "errors", ())
    return problem_response(exc.status_code, str(exc.detail), errors, _headers(exc))


def _headers(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if (wait_s := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, math.ceil(wait_s)))
    if methods := getattr(exc, "allowed", None):
        headers["Allow"] = ", ".join(methods)
    return headers


def _sent(request: Any) -> object:
    """The body of a REST request, or its query where it has none."""
    if request is None:
        return None
    return request.query_params if request.method in ("GET", "HEAD") else request.data


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For handler404: a problem below /api, the page everywhere else."""
    if request.path.startswith("/api/"):
        return problem_response(404, f"{request.path[:80]} is no address; see /api/v1/schema.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """For handler500."""
    if request.path.startswith("/api/"):
        return problem_response(500, "A defect of ours; it is in the service's log.")
    return defaults.server_error(request)


def too_large() -> Problem:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return Problem(413, f"The body is larger than {most} bytes; send it in several requests.")


def _summary(errors: Sequence[FieldError]) -> str:
    return "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors[:3])


def _flatten(detail: object, sent: object, path: tuple[str, ...] = ()) -> Iterator[FieldError]:
    """The nested messages of a serializer as one list, each with the value that was sent."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if name == "non_field_errors":
                yield from _flatten(inner, sent, path)
            else:
                yield from _flatten(inner, _below(sent, name), (*path, str(name)))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flatten(inner, sent, path)
    else:
        yield FieldError(".".join(path), sent, str(detail))


def _below(sent: object, name: object) -> object:
    """The value sent for one field or, by its number, for one item of a list."""
    if isinstance(sent, Mapping):
        return sent.get(name)
    if isinstance(sent, list) and isinstance(name, int) and name < len(sent):
        return sent[name]
    return None


def _shown(value: object) -> object:
    """What was sent, as JSON can carry it: short scalars as they are, the rest as cut text."""
    if value is None or (isinstance(value, bool | int) and abs(value) < 2**53):
        return value
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
