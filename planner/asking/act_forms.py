"""What is asked of who acts on an answer: which slot to watch for, which experiment to start."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from planner.watches.watching import MAX_WITHIN_MINUTES
from tracker.models import Experiment

EXPERIMENTS_OFFERED = 200  # the newest; others are started from their own page


class WatchForm(forms.Form):
    """``within_minutes`` in its cleaned data is None where a start sooner than promised will do."""

    question = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    wish = forms.ChoiceField(choices=[("sooner", "sooner"), ("within", "within")])
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_WITHIN_MINUTES,
        error_messages={
            "invalid": "Give whole minutes, such as 30.",
            "min_value": "Give at least one minute.",
            "max_value": "Give at most 7 days, which are 10080 minutes.",
        },
    )

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or self.cleaned_data
        is_within = fields.get("wish") == "within"
        if is_within and "minutes" not in self.errors and not fields.get("minutes"):
            self.add_error("minutes", "Give the minutes within which it should start, such as 30.")
        fields["within_minutes"] = fields.get("minutes") if is_within else None
        return fields


class OptionStartForm(forms.Form):
    experiment = forms.ModelChoiceField(
        Experiment.objects.none(),
        empty_label=None,
        error_messages={
            "required": "Choose an experiment.",
            "invalid_choice": "This experiment is archived, or none that you may start.",
        },
    )
    sbatch = forms.CharField(required=False, widget=forms.HiddenInput)  # of the option as seen

    def __init__(self, *args: Any, experiments: QuerySet[Experiment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["experiment"]
        field.queryset = experiments
        field.choices = [(one.pk, str(one)) for one in experiments[:EXPERIMENTS_OFFERED]]
