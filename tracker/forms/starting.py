"""Starting runs, and taking in jobs that were submitted elsewhere."""

from __future__ import annotations

from uuid import uuid4

from django import forms

from tracker.forms.fields import ConfigsField, SeedsField
from tracker.models import Actor, Cluster
from tracker.submission import MAX_RUNS


def new_key() -> str:
    return uuid4().hex


class StartForm(forms.Form):
    """Which runs one start makes: each seed with each configuration."""

    # Made with the page, so that pressing twice or loading again starts nothing twice.
    key = forms.CharField(
        max_length=64,
        widget=forms.HiddenInput,
        initial=new_key,
        error_messages={"required": "A part of this form was lost on the way: open it anew."},
    )
    seeds = SeedsField(required=False, help_text="such as 1, 2, 3 or 1-5; empty: one run without")
    at_once = forms.IntegerField(
        label="At most this many at once",
        required=False,
        min_value=1,
        max_value=MAX_RUNS,
        help_text="of several runs; empty: as many as Slurm starts",
    )
    configs = ConfigsField(
        label="Configurations",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        help_text='JSON: one object, such as {"lr": 0.1}, or a list of them',
    )


class AdoptForm(forms.Form):
    slurm_job_id = forms.CharField(label="Job id", max_length=40)
    cluster = forms.ModelChoiceField(
        Cluster.objects.none(), to_field_name="name", required=False, empty_label=None
    )

    def __init__(
        self, *args: object, actor: Actor, preferred: Cluster | None = None, **kwargs: object
    ) -> None:
        """``cluster`` is only asked for where there are several."""
        super().__init__(*args, **kwargs)
        clusters = actor.clusters()
        self.fields["cluster"].queryset = clusters
        self.fields["cluster"].initial = preferred and preferred.name
        if clusters.count() < 2:
            del self.fields["cluster"]


class JobChoiceForm(forms.Form):
    """Which job it is that a submission became."""

    slurm_job_id = forms.IntegerField(label="Job id", min_value=1, max_value=2**32 - 1)
