"""Users, groups, tokens and the audit trail."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from tracker.admin.base import AuditedAdmin, FactAdmin
from tracker.models import Actor, AuditEntry, ClusterAccount, Membership, ResearchGroup, Token
from tracker.recording import issue_token, revoke_token

LINK_LIFETIME = timedelta(days=1)


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "group")


class ClusterAccountInline(admin.TabularInline):
    model = ClusterAccount
    extra = 0
    autocomplete_fields = ("cluster",)


def signin_link(request: HttpRequest, secret: str) -> str:
    return f"{request.build_absolute_uri(reverse('signin'))}?token={secret}"


admin.site.unregister(User)


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """Django's own, with the groups of a user and whom they are on each cluster."""

    inlines = (MembershipInline, ClusterAccountInline)
    actions = ("make_link",)

    @admin.action(description="Make a one-time sign-in link", permissions=["change"])
    def make_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        if not request.user.is_superuser:
            messages.error(request, "A link signs in as that user: only superusers make one.")
            return
        for user in queryset:
            _, secret = issue_token(
                actor=Actor(request.user), user=user, scope="signin", lifetime=LINK_LIFETIME
            )
            link = signin_link(request, secret)
            messages.success(request, f"For {user}, once and within a day: {link}")


@admin.register(ResearchGroup)
class ResearchGroupAdmin(AuditedAdmin):
    list_display = ("name", "member_count")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResearchGroup]:
        return super().get_queryset(request).annotate(member_count=Count("membership"))

    @admin.display(description="members", ordering="member_count")
    def member_count(self, group: ResearchGroup) -> int:
        return group.member_count


@admin.register(Membership)
class MembershipAdmin(AuditedAdmin):
    list_display = ("user", "group", "role")
    list_filter = ("role", "group")
    list_select_related = ("user", "group")
    search_fields = ("user__username", "group__name")
    autocomplete_fields = ("user", "group")


class NewTokenForm(forms.ModelForm):
    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        is_run = cleaned.get("scope") == Token.Scope.RUN
        if is_run and not cleaned.get("experiment") and not cleaned.get("run"):
            self.add_error("experiment", "A token of scope run names an experiment or a run.")
        expires_at = cleaned.get("expires_at")
        if expires_at and expires_at <= timezone.now():
            self.add_error("expires_at", "This time has passed: the token would open nothing.")
        return cleaned


@admin.register(Token)
class TokenAdmin(AuditedAdmin):
    list_display = (
        "prefix", "user", "label", "scope", "experiment", "created_at", "expires_at",
        "last_used_at", "revoked_at",
    )  # fmt: skip
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter), "cluster")
    list_select_related = ("user", "experiment")
    search_fields = ("prefix", "label", "user__username", "experiment__name")
    date_hierarchy = "created_at"
    autocomplete_fields = ("user", "experiment", "cluster")
    raw_id_fields = ("run",)
    fields = ("user", "label", "scope", "experiment", "run", "cluster", "expires_at")
    form = NewTokenForm
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> list[str]:
        if obj is None:
            return list(super().get_readonly_fields(request))
        # What a token opens is fixed when it is issued.
        return [name for name in self.fields if name != "label"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Whoever adds a token can act as its user.
        return request.user.is_superuser

    def save_model(
        self, request: HttpRequest, obj: Token, form: forms.ModelForm, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        asked = dict(form.cleaned_data)
        expires_at = asked.pop("expires_at")
        lifetime = expires_at - timezone.now() if expires_at else None
        token, secret = issue_token(actor=Actor(request.user), lifetime=lifetime, **asked)
        obj.pk, obj.prefix = token.pk, token.prefix
        is_link = token.scope == Token.Scope.SIGNIN
        shown = signin_link(request, secret) if is_link else secret
        messages.warning(request, f"Copy it now, it is shown only once: {shown}")

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> None:
        for token in queryset:
            revoke_token(token, actor=Actor(request.user), at=timezone.now())
        messages.success(request, f"Revoked {len(queryset)}.")


@admin.register(AuditEntry)
class AuditEntryAdmin(FactAdmin):
    list_display = ("at", "user", "token_prefix", "verb", "kind", "object_id", "detail")
    list_filter = ("verb", "kind")
    list_select_related = ("user",)
    search_fields = ("user__username", "object_id", "token_prefix")
    date_hierarchy = "at"
    deletable = False
