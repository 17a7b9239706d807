"""What a run says of itself, and what is said about many runs at once, as JSON."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from tracker.api.shapes import OneOf
from tracker.bulk import MOST, Deed
from tracker.models import Run

Status = Run.Status
NOTES_CHARS = 100_000
TAG_NAME_CHARS = 250
TAG_VALUE_CHARS = 8_000
TAGS_AT_ONCE = 100
SURROUNDINGS_BYTES = 65_536
DESCRIPTIONS = ("name", "notes", "parent", "surroundings")
SAYABLE = [Status.RUNNING, *(status for status in Status if status not in Run.OPEN)]


class RunWordSerializer(serializers.Serializer):
    """What a run may say of itself."""

    status = OneOf(Status.choices, required=False)
    exit_code = serializers.IntegerField(
        required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1
    )
    message = serializers.CharField(
        required=False, allow_blank=True, max_length=10_000, trim_whitespace=False
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=200)
    notes = serializers.CharField(
        required=False, allow_blank=True, max_length=NOTES_CHARS, trim_whitespace=False
    )
    tags = serializers.DictField(
        child=serializers.CharField(
            allow_blank=True, allow_null=True, max_length=TAG_VALUE_CHARS, trim_whitespace=False
        ),
        required=False,
        help_text="by name; null takes one away, and what is not named stays",
    )
    parent = serializers.CharField(required=False, allow_null=True, max_length=32)
    surroundings = serializers.JSONField(
        required=False, help_text="an object in place of what was told before"
    )

    def validate_tags(self, tags: dict[str, str | None]) -> dict[str, str | None]:
        if len(tags) > TAGS_AT_ONCE:
            raise serializers.ValidationError(
                f"There are {len(tags)}; give at most {TAGS_AT_ONCE} at once."
            )
        for name in tags:
            if not 0 < len(name) <= TAG_NAME_CHARS:
                raise serializers.ValidationError(
                    f"“{name[:40]}” is no name; give 1 to {TAG_NAME_CHARS} characters."
                )
        return tags

    def validate_parent(self, run_id: str | None) -> Run | None:
        if run_id is None:
            return None
        run = self.context["run"]
        parent = Run.objects.filter(experiment=run.experiment_id, pk=run_id).first()
        if parent is None:
            raise serializers.ValidationError(f"{run_id} is no run of the same experiment.")
        return parent

    def validate_surroundings(self, told: object) -> dict[str, object]:
        if not isinstance(told, dict):
            raise serializers.ValidationError('Give an object, such as {"git_commit": "…"}.')
        if (size := len(json.dumps(told))) > SURROUNDINGS_BYTES:
            raise serializers.ValidationError(
                f"It has {size} bytes as JSON; give at most {SURROUNDINGS_BYTES}."
            )
        return told

    def validate_status(self, status: str) -> str:
        if status not in SAYABLE:
            raise serializers.ValidationError(
                f"{status} is not for a run to say: give one of {', '.join(SAYABLE)}."
            )
        return status

    def validate(self, word: dict[str, Any]) -> dict[str, Any]:
        if word.get("exit_code") is not None and word.get("status") in (None, *Run.OPEN):
            raise serializers.ValidationError(
                {"exit_code": "Give it together with a final status, such as FAILED."}
            )
        return word


class BulkSerializer(serializers.Serializer):
    runs = serializers.ListField(
        child=serializers.CharField(max_length=32), allow_empty=False, max_length=MOST
    )
    action = OneOf([*Deed])
    tag = serializers.CharField(required=False, max_length=TAG_NAME_CHARS)
    value = serializers.CharField(required=False, allow_blank=True, max_length=TAG_VALUE_CHARS)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["action"] in (Deed.TAG, Deed.UNTAG) and "tag" not in asked:
            raise serializers.ValidationError({"tag": "Give the name of the tag."})
        return asked
