"""How often one token, session or address may ask."""

from __future__ import annotations

import time

from django.core.cache import caches
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

from tracker.models import Actor

WINDOW_S = 10
# A training job logs each step, an array of 1,000 tasks may end at once.
REQUESTS_PER_WINDOW = {
    "run": 1_000,
    "user": 1_000,
    "read": 500,
    "webhook": 2_000,
    "session": 500,
    "address": 1_000,
    "signin": 20,  # passwords tried from one address: each costs a deliberately slow hash
}
# By people and strangers: counted over all web processes. A program's rate each process counts
# for itself: that limit is there to stop a runaway loop, and every metric would pay for more.
SHARED = {"signin", "address"}


class ScopeThrottle(BaseThrottle):
    """A counter per caller and window."""

    def __init__(self) -> None:
        self.wait_s: float | None = None

    def allow_request(self, request: HttpRequest, _view: object) -> bool:
        if not request.user:
            return True  # refused anyway
        actor = Actor(request.user, getattr(request, "auth", None))
        self.wait_s = wait_s(*caller_of(actor), now_s=time.time())
        return self.wait_s is None

    def wait(self) -> float | None:
        return self.wait_s


def caller_of(actor: Actor) -> tuple[str, str]:
    """The kind of caller, whose limit counts, and its name within the kind."""
    if actor.token:
        return actor.token.scope, str(actor.token.pk)
    return "session", str(actor.user.pk)


def check_rate(kind: str, name: str) -> None:
    """For plain views: raises Throttled."""
    if (wait := wait_s(kind, name, now_s=time.time())) is not None:
        raise Throttled(wait)


def wait_s(kind: str, name: str, *, now_s: float) -> float | None:
    """Count one request; seconds until the next may come, None if it may come now."""
    cache = caches["default" if kind in SHARED else "process"]
    window, into_s = divmod(now_s, WINDOW_S)
    key = f"rate-{kind}-{name}"
    counted_window, count = cache.get(key, (window, 0))
    count = count + 1 if counted_window == window else 1
    if count > REQUESTS_PER_WINDOW[kind]:
        return WINDOW_S - into_s
    cache.set(key, (window, count), timeout=2 * WINDOW_S)
    return None
