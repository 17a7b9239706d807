"""Forms of the pages: they shape and validate what people type; views and recording act."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet

from tracker.models import (
    Actor,
    Cluster,
    Experiment,
    Membership,
    ResearchGroup,
    ResourceRequest,
    Token,
)
from tracker.models.experiments import validate_tags
from tracker.slurm.durations import format_duration, parse_minutes

no_spaces = RegexValidator(r"^\S+$", "Slurm names have no spaces; separate several by commas.")
memory = RegexValidator(
    r"^[0-9]+[KMGT]?$", "Give memory per node as a number and a unit, such as 64G."
)
gres_words = RegexValidator(
    r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){0,2}(,[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){0,2})*$",
    "Give gpu:COUNT or gpu:TYPE:COUNT, such as gpu:2 or gpu:a100:2.",
)


class SignInForm(AuthenticationForm):
    """Django's own, in our words."""

    error_messages = {
        "invalid_login": "No account has this name and password. Both are case-sensitive.",
        "inactive": "This account is switched off. Ask staff to switch it on.",
    }


class TagsField(forms.CharField):
    """Words separated by commas, kept in order, each once."""

    def prepare_value(self, value: object) -> object:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        words = (word.strip() for word in super().to_python(value).split(","))
        return list(dict.fromkeys(word for word in words if word))


class MinutesField(forms.CharField):
    """A time limit as sbatch takes it; kept in whole minutes."""

    def prepare_value(self, value: object) -> object:
        return format_duration(value * 60) if isinstance(value, int) else value

    def to_python(self, value: str | None) -> int | None:
        text = super().to_python(value)
        if not text:
            return None
        try:
            minutes = parse_minutes(text)
        except ValueError:
            minutes = None
        if minutes is None or not 1 <= minutes <= 5_000_000:
            raise ValidationError(
                f"“{text}” is not a time limit; give minutes, H:MM:SS or D-HH:MM:SS."
            )
        return int(minutes)


class ExperimentForm(forms.ModelForm):
    tags = TagsField(required=False, help_text="separated by commas", validators=[validate_tags])

    class Meta:
        model = Experiment
        fields = ["name", "description", "tags", "group", "cluster", "folder", "batch_script"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "batch_script": forms.Textarea(
                attrs={"rows": 14, "class": "mono", "spellcheck": "false", "wrap": "off"}
            ),
        }
        help_texts = {
            "group": "whose members see its runs; none: only you and staff",
            "cluster": "where its runs are looked for unless they say otherwise",
            "folder": "on storage shared with the cluster, for checkpoints and logs",
            "batch_script": "as given to sbatch; #SBATCH lines in it are kept",
        }

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = groups_to_share_with(actor)
        self.fields["group"].empty_label = "no group"
        self.fields["cluster"].queryset = actor.clusters()
        self.fields["cluster"].empty_label = "any cluster"
        owned = actor.owned_experiments().filter(pk=self.instance.pk).exists()
        if self.instance.pk and not owned:
            # Giving an experiment to another group is for its owners.
            self.fields["group"].queryset = ResearchGroup.objects.filter(pk=self.instance.group_id)
            self.fields["group"].disabled = True


def groups_to_share_with(actor: Actor) -> QuerySet[ResearchGroup]:
    """Groups that may take an experiment of this actor: as owner or member (staff: any)."""
    if actor.is_staff:
        return actor.groups()
    roles = (Membership.Role.OWNER, Membership.Role.MEMBER)
    return actor.groups().filter(membership__user=actor.user, membership__role__in=roles)


class ResourceRequestForm(forms.ModelForm):
    """What to ask of one cluster; left empty as a whole, nothing is kept."""

    time_limit_minutes = MinutesField(
        required=False, label="Time limit", help_text="minutes, H:MM:SS or D-HH:MM:SS"
    )

    class Meta:
        model = ResourceRequest
        fields = [
            "partition", "nodes", "ntasks", "cpus_per_task", "mem", "gres",
            "time_limit_minutes", "account", "qos", "constraint",
        ]  # fmt: skip
        labels = {
            "ntasks": "Tasks",
            "cpus_per_task": "CPUs per task",
            "mem": "Memory",
            "gres": "GPUs and other GRES",
            "qos": "QOS",
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name in ("partition", "account", "qos", "constraint"):
            self.fields[name].validators.append(no_spaces)
        self.fields["mem"].validators.append(memory)
        self.fields["gres"].validators.append(gres_words)

    def asks_for_something(self) -> bool:
        return any(value not in (None, "") for value in self.cleaned_data.values())


def request_forms(experiment: Experiment, data: object = None) -> list[ResourceRequestForm]:
    """One form for each cluster, filled with what the experiment asks of it now."""
    known = {}
    if experiment.pk:
        known = {request.cluster_id: request for request in experiment.requests.all()}
    return [
        ResourceRequestForm(
            data,
            prefix=f"cluster-{cluster.pk}",
            instance=known.get(cluster.pk) or ResourceRequest(cluster=cluster),
        )
        for cluster in Cluster.objects.all()
    ]


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


class ExperimentFilterForm(forms.Form):
    """The line above the list of experiments; every field may be absent."""

    SORTS = [("newest", "newest"), ("active", "last run"), ("name", "name"), ("runs", "most runs")]

    q = forms.CharField(label="Search", required=False, max_length=200)
    tag = forms.CharField(required=False, max_length=64)
    owner = forms.CharField(required=False, max_length=150)
    group = forms.ModelChoiceField(ResearchGroup.objects.none(), required=False, empty_label="any")
    sort = forms.ChoiceField(choices=SORTS, required=False)
    archived = forms.BooleanField(label="Archived", required=False)

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = actor.groups()
        self.fields["q"].widget.attrs["placeholder"] = "name or description"
