"""Words on runs: names, notes, tags, and the views of runs that people keep."""

from __future__ import annotations

from django import forms

from tracker.models import Run, RunTag, SavedView

NOTES_CHARS = 100_000


class RunWordsForm(forms.ModelForm):
    notes = forms.CharField(required=False, max_length=NOTES_CHARS, widget=forms.Textarea)

    class Meta:
        model = Run
        fields = ["name", "notes"]


class TagForm(forms.Form):
    """``baseline``, or with a value ``dataset: c4``; cleaned to the two parts."""

    tag = forms.CharField(
        max_length=8_250,
        error_messages={"required": "Give the tag first, such as baseline or dataset: c4."},
    )

    def clean_tag(self) -> tuple[str, str]:
        name, _, value = (part.strip() for part in self.cleaned_data["tag"].partition(":"))
        most = RunTag._meta.get_field("name").max_length
        if not 0 < len(name) <= most:
            raise forms.ValidationError(f"Give the tag a name of 1 to {most} characters.")
        return name, value


class SavedViewForm(forms.ModelForm):
    query = forms.CharField(required=False, max_length=8_000)

    class Meta:
        model = SavedView
        fields = ["name"]
        error_messages = {"name": {"required": "Give the view a name."}}
