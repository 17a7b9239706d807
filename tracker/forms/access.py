"""Signing in, tokens, groups and their members."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from tracker.models import Actor, Experiment, Membership, ResearchGroup, Token


class SignInForm(AuthenticationForm):
    """Django's own, in our words."""

    error_messages = {
        "invalid_login": "No account has this name and password. Both are case-sensitive.",
        "inactive": "This account is switched off. Ask staff to switch it on.",
    }


class TokenForm(forms.Form):
    LIFETIMES = [("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"),
                 ("365", "1 year"), ("", "until revoked")]  # fmt: skip

    label = forms.CharField(
        max_length=120, required=False, help_text="for yourself, such as “laptop”"
    )
    scope = forms.ChoiceField(label="May do")
    experiment = forms.ModelChoiceField(
        Experiment.objects.none(),
        required=False,
        empty_label="–",
        help_text="needed for a token that logs runs; it opens nothing else",
    )
    days = forms.ChoiceField(label="Valid for", choices=LIFETIMES, initial="90", required=False)

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        scopes = [Token.Scope.RUN, Token.Scope.USER, Token.Scope.READ]
        if actor.is_staff:
            scopes.append(Token.Scope.WEBHOOK)
        self.fields["scope"].choices = [(scope.value, scope.label) for scope in scopes]
        self.fields["experiment"].queryset = actor.editable_experiments().filter(archived_at=None)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        is_run = cleaned.get("scope") == Token.Scope.RUN
        if is_run and not cleaned.get("experiment") and "experiment" not in self.errors:
            self.add_error("experiment", "Choose the experiment whose runs it may log.")
        if not is_run:
            cleaned["experiment"] = None
        return cleaned

    def token_fields(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in ("label", "scope", "experiment")}

    @property
    def lifetime(self) -> timedelta | None:
        days = self.cleaned_data["days"]
        return timedelta(days=int(days)) if days else None


class GroupForm(forms.ModelForm):
    class Meta:
        model = ResearchGroup
        fields = ["name"]


class MemberForm(forms.Form):
    username = forms.CharField(max_length=150, label="User name")
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.MEMBER)

    def clean_username(self) -> User:
        name = self.cleaned_data["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise ValidationError(f"Nobody here is called “{name}”. Ask staff to add the user.")
        return user
