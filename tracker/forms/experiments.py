"""Making, changing and finding experiments."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet

from tracker.forms.fields import TagsField
from tracker.models import Actor, Experiment, Membership, ResearchGroup
from tracker.models.experiments import validate_tags


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
