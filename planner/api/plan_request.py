"""The body of ``POST /api/v1/plan``, and the request that it asks about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from rest_framework import serializers

from planner.asking.choices import choices, unknown_names
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
from tracker.api.base import visible_or_404
from tracker.api.problems import bad_field
from tracker.models import Actor, Cluster
from tracker.slurm.script import MAX_SCRIPT_BYTES, ScriptError, option_words
from tracker.submission.planning import requested

MAX_OPTIONS = 100


class Parsed(serializers.CharField):
    """Text as sbatch takes it, kept as what ``parse`` makes of it."""

    def __init__(self, parse: Callable[[str], Any], help_text: str) -> None:
        super().__init__(required=False, allow_blank=True, max_length=255, help_text=help_text)
        self.parse = parse

    def run_validation(self, data: object = serializers.empty) -> Any:
        # After the validators of the text, which cannot measure what parse makes of it.
        try:
            return self.parse(super().run_validation(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


def whole(help_text: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_COUNT, help_text=help_text
    )


def word(help_text: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text=help_text
    )


def flag(help_text: str) -> serializers.BooleanField:
    return serializers.BooleanField(required=False, help_text=help_text)


def partitions_of(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


class PlanRequest(serializers.Serializer):
    """The fields of ``manage.py plan``; all are optional. Fields win over ``options``, and these
    over the script."""

    script = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=MAX_SCRIPT_BYTES,
        help_text="a batch script; what of it is not considered is listed in ignored",
    )
    options = serializers.ListField(
        child=serializers.CharField(max_length=1000),
        required=False,
        max_length=MAX_OPTIONS,
        help_text='words of sbatch\'s command line, such as ["-p", "gpu", "--time=2:00:00"]',
    )
    experiment = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="in place of a script: what the experiment asks for",
    )
    cluster = word("needed where there are several")
    user = word("unix name; staff may ask for others")
    account = word("empty: the user's first")
    qos = word("empty: the default")
    partition = Parsed(partitions_of, "one, or several: a,b; empty: all")
    nodes = whole("default 1")
    ntasks = whole("in all; default one for each node")
    cpus = whole("for each task; default 1")
    mem = Parsed(mem_mib_of, "on each node, such as 64G")
    mem_per_cpu = flag("mem is for each CPU")
    gpus = whole("in all")
    gpu_type = word("such as a100")
    gpus_option = serializers.ChoiceField(
        list(GPU_OPTIONS), required=False, help_text="how sbatch is asked for them; default gpus"
    )
    exclusive = flag("no other job on its nodes")
    constraint = Parsed(features_of, "features that every node has: a&b; or a choice: a|b")
    time = Parsed(limit_minutes_of, "minutes, or such as 2:00:00 or 1-12:00:00")
    begin = word("not before: such as now+2hours, 16:00 or 2026-11-23T12:30")
    deadline = word("when its results are needed, as begin")
    utc_offset_minutes = serializers.IntegerField(
        required=False,
        min_value=-14 * 60,
        max_value=14 * 60,
        help_text="of times given without a zone; default 0",
    )
    name = word("of the job: its run time is that of jobs of like names")


def asked_of(
    actor: Actor, cluster: Cluster, fields: dict[str, Any], now: datetime
) -> tuple[Request, list[str]]:
    """The request, and what of the script is ignored; a Problem names the field and the cure."""
    own = actor.unix_name(cluster) or ""
    user = fields.get("user") or own
    if user != own and not actor.is_staff:
        raise bad_field("user", user, f"only staff ask for others; leave it out ({own or 'you'})")
    if fields.get("experiment"):
        fields = _with_experiment(actor, cluster, fields)
    asked = _asked(fields, now)
    try:
        request = request_of(asked.fields, user)
    except ValueError as error:
        raise bad_field("ntasks", fields.get("ntasks"), str(error)) from error
    for name, message in unknown_names(request, choices(actor, cluster, user)).items():
        raise bad_field(name, fields.get(name), message)
    return request, list(asked.ignored)


def _with_experiment(actor: Actor, cluster: Cluster, fields: dict[str, Any]) -> dict[str, Any]:
    """Its script and what it asks of the cluster, below what is given beside it."""
    if fields.get("script"):
        raise bad_field("script", None, "give a script or an experiment, one of them")
    experiment = visible_or_404(actor.experiments(), "Experiment", pk=fields["experiment"])
    words = option_words(requested(experiment, cluster))
    options = [*words, *fields.get("options", ())]
    return fields | {"script": experiment.batch_script, "options": options}


def _asked(fields: dict[str, Any], now: datetime) -> Asked:
    zone = timezone(timedelta(minutes=fields.get("utc_offset_minutes", 0)))
    now = now.astimezone(zone)
    for name in ("begin", "deadline"):
        if text := fields.get(name):
            try:
                fields = fields | {name: parse_instant(text, now)}
            except ValueError as error:
                raise bad_field(name, text, str(error)) from error
    options = fields.get("options", ())
    try:
        return asked_by_script(fields.get("script", ""), now, options=options, fields=fields)
    except ScriptError as error:
        named = [name for name in ("script", "options", "gpus") if fields.get(name)]
        raise bad_field(named[0], None, str(error)) from error
