"""Signing in, by a one-time link or by name and password, and out."""

from __future__ import annotations

import math
import time
from datetime import datetime

from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from tracker.api.throttling import wait_s
from tracker.forms import SignInForm
from tracker.models import Token


def take_link(secret: str, now: datetime) -> User | None:
    """Whom a one-time link signs in; None where it is unknown, expired or used already.

    The conditional UPDATE decides: of two browsers with the same link one is signed in.
    """
    token = Token.find(secret) if secret.isascii() and secret.isprintable() else None
    if token is None or token.scope != Token.Scope.SIGNIN or not token.user.is_active:
        return None
    taken = Token.objects.live(now).filter(pk=token.pk).update(revoked_at=now, last_used_at=now)
    return token.user if taken else None


# Not HEAD: a program that only looks at a link must not use it up.
@method_decorator(require_http_methods(["GET", "POST"]), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class SignIn(LoginView):
    """GET with ?token= is the link; GET without it and POST are the form."""

    template_name = "tracker/signin.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.htmx:
            # A part of a page outlived its session: the whole page comes here instead of the part.
            return HttpResponseClientRefresh()
        secret = request.GET.get("token")
        if request.method != "GET" or not secret:
            return super().dispatch(request, *args, **kwargs)
        user = take_link(secret, timezone.now())
        if user is None:
            return render(request, "tracker/signin_link_dead.html", status=410)
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("home")

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        wait = wait_s("signin", request.META.get("REMOTE_ADDR", ""), now_s=time.time())
        if wait is None:
            return super().post(request, *args, **kwargs)
        seconds = math.ceil(wait)
        messages.error(request, f"Too many tries from your address. Try again in {seconds} s.")
        context = self.get_context_data(form=SignInForm(request))
        return self.render_to_response(context, status=429, headers={"Retry-After": seconds})


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("signin")
