"""The form of a hypothetical job: every field is optional, and all of it lives in the URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from planner.choices import Choices, unknown_names
from planner.request import (
    MAX_COUNT,
    Request,
    features_of,
    limit_minutes_of,
    mem_mib_of,
    request_of,
)


def whole(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, required=False, min_value=1, max_value=MAX_COUNT
    )


def words(label: str, placeholder: str, help_text: str = "") -> forms.CharField:
    widget = forms.TextInput(attrs={"placeholder": placeholder})
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=255, widget=widget
    )


class PlanForm(forms.Form):
    gpus = whole("GPUs", "in all")
    gpu_type = forms.ChoiceField(label="GPU type", required=False)
    cpus = whole("CPUs", "for each task")
    mem = words("Memory", "64G", "on each node; empty: the cluster's default")
    time = words("Time limit", "4:00:00", "empty: the partition's default")
    nodes = whole("Nodes")
    ntasks = whole("Tasks", "in all; empty: one for each node")
    account = forms.ChoiceField(required=False)
    qos = forms.ChoiceField(label="QOS", required=False)
    constraint = words("Features", "ib&nvme", "that every node must have")
    partition = forms.MultipleChoiceField(
        label="Partitions",
        help_text="none chosen: all",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, data: Mapping[str, Any] | None, *, known: Choices, user: str) -> None:
        super().__init__(data, auto_id="plan-%s")
        self.known, self.user = known, user
        self.request: Request | None = None  # of a valid form
        self.fields["partition"].choices = [(name, name) for name in known.partitions]
        for name, offered, none in (
            ("gpu_type", known.gpu_types, "any"),
            ("account", known.accounts, "your default"),
            ("qos", known.qos, "the default"),
        ):
            self.fields[name].choices = [("", none), *((word, word) for word in offered)]

    def clean_mem(self) -> int | None:
        return self._parsed("mem", mem_mib_of)

    def clean_time(self) -> int | None:
        return self._parsed("time", limit_minutes_of)

    def clean_constraint(self) -> tuple[str, ...]:
        return self._parsed("constraint", features_of)

    def _parsed(self, name: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(self.cleaned_data[name])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or self.cleaned_data
        if self.errors:
            return fields
        try:
            request = request_of(fields, self.user)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        for name, message in unknown_names(request, self.known).items():
            self.add_error(name, message)
        self.request = request
        return fields
