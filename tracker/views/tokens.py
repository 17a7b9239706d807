"""One's own API tokens: issue, see the secret once, revoke."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tracker.forms import TokenForm
from tracker.models import Token
from tracker.recording import issue_token, revoke_token
from tracker.views.base import actor_of, public_url


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """The answer to the POST is the only page that ever shows the secret: no redirect."""
    actor = actor_of(request)
    initial = {"experiment": request.GET.get("experiment"), "scope": Token.Scope.RUN}
    form = TokenForm(request.POST or None, actor=actor, initial=initial)
    secret = None
    if request.method == "POST" and form.is_valid():
        _, secret = issue_token(
            actor=actor, user=request.user, lifetime=form.lifetime, **form.token_fields()
        )
        form = TokenForm(actor=actor, initial=initial)
    context = {
        "form": form,
        "secret": secret,
        "public_url": public_url(request),
        "now": timezone.now(),
        "tokens": Token.objects.filter(user=request.user, revoked_at=None)
        .exclude(scope=Token.Scope.SIGNIN)
        .select_related("experiment", "run", "cluster"),
    }
    return render(request, "tracker/tokens.html", context)


@require_POST
@login_required
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(Token, pk=pk, user=request.user)
    revoke_token(token, actor=actor_of(request), at=timezone.now())
    messages.success(request, f"Token {token.prefix}… no longer opens anything.")
    return redirect("tokens")
