"""Who calls the API in tests: somebody signed in, or the holder of a token. CSRF is enforced."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from tracker.models import Token


def by_session(user: User) -> Client:
    """A browser of ``user`` that sends no CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def by_token(user: User, scope: str = "user", **target: Any) -> Client:
    _, secret = Token.issue(user=user, scope=scope, **target)
    return with_secret(secret)


def with_secret(secret: str) -> Client:
    return Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {secret}"})


def anonymous() -> Client:
    return Client(enforce_csrf_checks=True)


JSON = "application/json"
