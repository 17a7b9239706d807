"""Tokens on requests: who is asking, for REST views and plain views alike."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed

from tracker.models import Actor, Token

USE_NOTED_EVERY = timedelta(minutes=1)
NETRC_CURE = (
    "If you did not send that name, a ~/.netrc entry for this host did: requests lets it replace "
    "the token in the address and in the Authorization header. Remove the entry, or send the "
    "token as 'X-Queuecast-Token: SECRET'."
)


@dataclass(frozen=True, slots=True)
class Credential:
    """``basic_user`` is the name sent beside a Basic password; None for the other ways."""

    secret: str
    basic_user: str | None = None

    @property
    def cure(self) -> str:
        if self.basic_user is None:
            return "Check that the whole token was sent, or issue a new one."
        return f'It came as the password of user "{self.basic_user[:80]}". {NETRC_CURE}'


class TokenAuthentication(BaseAuthentication):
    """``request.auth`` is the Token. Refusals say what is wrong with it and what helps."""

    def authenticate(self, request: HttpRequest) -> tuple[AbstractBaseUser, Token] | None:
        credential = credential_of(request)
        if credential is None:
            return None
        token = live_token(credential, timezone.now())
        token.presented_by = credential.basic_user or ""
        return token.user, token

    def authenticate_header(self, _request: HttpRequest) -> str:
        return "Bearer"


def actor_of(request: HttpRequest) -> Actor | None:
    """The same for a plain view that is csrf_exempt: by token, or by session with CSRF checked.

    None where nobody is named; raises as the REST views do.
    """
    if found := TokenAuthentication().authenticate(request):
        return Actor(*found)
    user = request.user
    if not user.is_authenticated:
        return None
    SessionAuthentication().enforce_csrf(request)
    return Actor(user)


def credential_of(request: HttpRequest) -> Credential | None:
    # Our own header first: nothing between a script and us replaces it.
    if secret := request.headers.get("X-Queuecast-Token", "").strip():
        return Credential(secret)
    scheme, _, value = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return Credential(value.strip())
    if scheme.lower() != "basic":
        return None
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise AuthenticationFailed(
            "A page of another site sent this request with a remembered password. "
            "Send the token in the Authorization header as Bearer."
        )
    return _basic(value.strip())


def live_token(credential: Credential, now: datetime) -> Token:
    """The token behind a credential; AuthenticationFailed that tells unknown, revoked, expired
    and unsuitable apart."""
    # A Basic password may hold a NUL, which PostgreSQL refuses to compare.
    token = Token.find(credential.secret) if credential.secret.isprintable() else None
    if token is None:
        raise AuthenticationFailed(f"This token is not known here. {credential.cure}")
    if token.revoked_at:
        raise AuthenticationFailed(f"Token {token.prefix}… was revoked; issue a new one.")
    if not token.is_live(now):
        raise AuthenticationFailed(
            f"Token {token.prefix}… expired at {token.expires_at:%Y-%m-%d %H:%M} UTC; "
            "issue a new one."
        )
    if token.scope == Token.Scope.SIGNIN:
        raise AuthenticationFailed("A sign-in link is for a browser; issue a token instead.")
    if not token.user.is_active:
        raise AuthenticationFailed(f"The account {token.user} is closed; ask your staff.")
    _note_use(token, now)
    return token


def _note_use(token: Token, now: datetime) -> None:
    """Once a minute, so that logging a metric is not two writes."""
    before = now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < before:
        unused = Q(last_used_at=None) | Q(last_used_at__lt=before)
        Token.objects.filter(unused, pk=token.pk).update(last_used_at=now)


def _basic(value: str) -> Credential:
    try:
        user, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise AuthenticationFailed(
            "The Basic Authorization header is not base64 of user:password; "
            "send 'Authorization: Bearer SECRET'."
        ) from None
    if not colon or not secret:
        raise AuthenticationFailed(
            f'The Basic Authorization header of user "{user[:80]}" has no password: the token '
            "goes there, http://token:SECRET@host."
        )
    return Credential(secret, basic_user=user)
