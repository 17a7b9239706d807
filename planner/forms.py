"""The forms of the planner's pages: every field is optional, and all of them live in the URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from planner.asking.choices import Choices, unknown_names
from planner.asking.instants import parse_instant
from planner.asking.request import (
    GPU_OPTIONS,
    MAX_COUNT,
    Request,
    features_of,
    limit_minutes_of,
    mem_mib_of,
    request_of,
)
from planner.asking.scripts import Asked, asked_by_script
from planner.record.track_record import DAYS, MILESTONES, Choice
from tracker.slurm.script import MAX_SCRIPT_BYTES


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
    begin = words("Not before", "tomorrow", "UTC, or such as now+2hours")
    deadline = words("Needed by", "2026-11-28 18:00", "UTC; when its results must be there")
    exclusive = forms.BooleanField(label="Whole nodes", required=False)
    # What a batch script may say, and nobody types: see planner.asking.request.Request.
    name = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)
    gpus_option = forms.ChoiceField(
        choices=[(name, name) for name in GPU_OPTIONS], required=False, widget=forms.HiddenInput
    )
    mem_per_cpu = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        known: Choices,
        user: str,
        now: datetime | None = None,
    ) -> None:
        super().__init__(data, auto_id="plan-%s")
        self.known, self.user = known, user
        # To the minute, so that reloading asks the same again.
        self.now = (now or timezone.now()).replace(second=0, microsecond=0)
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

    def clean_begin(self) -> datetime | None:
        return self._parsed("begin", self._instant)

    def clean_deadline(self) -> datetime | None:
        return self._parsed("deadline", self._instant)

    def _instant(self, text: str) -> datetime | None:
        return parse_instant(text, self.now) if text else None

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


class ScriptForm(forms.Form):
    """A batch script pasted or uploaded. Of a valid form ``text`` is the script, and ``asked`` what
    it asks for."""

    script = forms.CharField(
        label="Batch script",
        required=False,
        max_length=MAX_SCRIPT_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    file = forms.FileField(label="or a file", required=False)

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        files: Mapping[str, Any] | None = None,
        *,
        now: datetime | None = None,
    ) -> None:
        super().__init__(data, files, auto_id="script-%s")
        self.now = now or timezone.now()
        self.text = ""
        self.asked = Asked({})

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MAX_SCRIPT_BYTES:
            raise forms.ValidationError(f"Slurm takes scripts of {MAX_SCRIPT_BYTES} bytes at most.")
        try:
            return file.read().decode()
        except UnicodeDecodeError as error:
            raise forms.ValidationError("This is no text; give a batch script.") from error

    def clean(self) -> dict[str, Any]:
        fields = super().clean() or self.cleaned_data
        if self.errors:
            return fields
        text = fields["file"] or fields["script"].lstrip()
        if not text:
            raise forms.ValidationError("Paste a batch script, or choose its file.")
        try:
            self.asked = asked_by_script(text, self.now)
        except ValueError as error:
            message = str(error)
            raise forms.ValidationError(message[:1].upper() + message[1:]) from error
        self.text = text
        return fields


def one_of(label: str, offered: Iterable[tuple[object, str]], default: object) -> forms.ChoiceField:
    choices = [(str(value), words) for value, words in offered]
    cure = f"“%(value)s” is not one of {', '.join(value for value, _ in choices if value)}."
    return forms.ChoiceField(
        label=label,
        choices=choices,
        initial=str(default),
        required=False,
        error_messages={"invalid_choice": cure},
    )


class AccuracyForm(forms.Form):
    """Which part of the record; the API takes the same fields. What is left out is the default."""

    days = one_of("Issued in the", [(days, f"last {days} days") for days in DAYS], Choice().days)
    milestone = one_of("Forecast made", MILESTONES.items(), Choice().milestone_minutes)

    def __init__(self, data: Mapping[str, Any], *, partitions: Iterable[str]) -> None:
        given = {name: data[name] for name in ("days", "milestone", "partition") if data.get(name)}
        super().__init__(given, auto_id="accuracy-%s")
        offered = [("", "all"), *((name, name) for name in partitions)]
        self.fields["partition"] = one_of("Partition", offered, "")
        for name, field in self.fields.items():
            self.data.setdefault(name, field.initial)

    @property
    def choice(self) -> Choice:
        """Of a valid form."""
        fields = self.cleaned_data
        return Choice(int(fields["days"]), fields["partition"], int(fields["milestone"]))
