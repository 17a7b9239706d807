"""How the planning page says options, changes and sources: ``{% load plan %}``."""

from __future__ import annotations

from django import template

from planner.asking.request_words import words_of
from planner.asking.told_option import name_of
from tracker.templatetags.queuecast import NOT_KNOWN, minutes

register = template.Library()

FIELDS = {
    "limit_minutes": "time limit",
    "gpus": "GPUs",
    "nodes": "nodes",
    "cpus": "CPUs for each task",
    "mem_mib": "memory",
    "qos": "QOS",
    "partition": "partition",
    "gpu_type": "GPU type",
}
MIB_PER_GIB = 1024


register.filter("option_name", name_of)
register.filter("request_words", words_of)


@register.filter
def field_words(field: str) -> str:
    return FIELDS.get(field, field)


@register.filter
def amount(value: object, field: str) -> str:
    """What a request has in a field, in the field's unit."""
    if value in (None, ""):
        return NOT_KNOWN
    if field == "limit_minutes":
        return minutes(float(str(value)))
    return f"{float(str(value)) / MIB_PER_GIB:.4g} GiB" if field == "mem_mib" else str(value)


@register.filter
def share_of_jobs(share: float | None) -> str:
    """A dash where the past says too little."""
    return NOT_KNOWN if share is None else f"{100 * share:.0f} %"


@register.filter
def basis_words(basis: str, n: int | None) -> str:
    """What the wait of an hour rests on."""
    if basis == "futures":
        return "simulated futures"
    return f"{n} past waits" if basis == "history" else "not known"
