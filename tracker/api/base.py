"""What every REST view shares: the actor, what its token's scope opens, strict parsing."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from tracker.api.parsing import StrictJSONParser
from tracker.api.problems import Problem
from tracker.models import Actor, Token

Row = TypeVar("Row", bound=Model)
Scope = Token.Scope


class ScopeOpens(BasePermission):
    """Signed in, and with a scope that this view and method are open to.

    A view says ``open_to_run_tokens = True`` where the actor's own rules decide the rest.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.user is None or not request.user.is_authenticated:
            return False
        scope = request.auth.scope if request.auth else None
        if scope == Scope.READ and request.method not in SAFE_METHODS:
            raise PermissionDenied("A token of scope read changes nothing; use one of scope user.")
        if scope == Scope.RUN and not getattr(view, "open_to_run_tokens", False):
            raise PermissionDenied("A token of scope run reaches its own experiment's runs only.")
        if scope == Scope.WEBHOOK:
            raise PermissionDenied("A token of scope webhook reaches /webhooks/slurm only.")
        return True


class StaffOnly(BasePermission):
    message = "Only staff may see this."

    def has_permission(self, request: Request, _view: Any) -> bool:
        return Actor(request.user, request.auth).is_staff


class ActorView(APIView):
    permission_classes = [ScopeOpens]
    parser_classes = [StrictJSONParser]
    metadata_class = None  # OPTIONS is answered with 405; /api/v1/schema describes all

    @property
    def actor(self) -> Actor:
        return Actor(self.request.user, self.request.auth)


def visible_or_404(rows: QuerySet[Row], what: str, **key: object) -> Row:
    """The row, or a Problem 404 that names what was asked for."""
    row = rows.filter(**key).first()
    if row is None:
        [value] = key.values()
        raise Problem(404, f"{what} {str(value)[:40]} is none that you may see.")
    return row
