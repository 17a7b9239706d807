"""How pages say and draw start estimates: ``{% load estimates %}``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template

from tracker.models import StartEstimate
from tracker.spread import Axis
from tracker.templatetags.queuecast import NOT_KNOWN

register = template.Library()

METHODS = {
    "plan": (
        "one plan in which every job runs to its time limit and nothing new arrives: how far the"
        " start may be off is not known"
    ),
    "ensemble": "simulated futures of the queue, their run times and new jobs drawn from its past",
}


@register.filter
def because(why: str) -> str:
    """A sentence as the clause after "because": "It is held." becomes "it is held."."""
    starts_with_a_name = why[1:2].isupper()
    return why if starts_with_a_name else why[:1].lower() + why[1:]


@register.filter
def method_words(method: str) -> str:
    return METHODS.get(method, method)


@register.filter
def start_times(estimate: StartEstimate) -> list[tuple[datetime | None, str]]:
    """The three quantiles of the start, each with its name in ``later_than_horizon``."""
    return [(estimate.p10_at, "p10"), (estimate.p50_at, "p50"), (estimate.p90_at, "p90")]


@register.simple_tag
def chance(share: float | None, replicas: int) -> str:
    """Of so many replicas: none of 16 is not never, and all are not always."""
    if share is None:
        return NOT_KNOWN
    one = 1 / max(replicas, 1)
    if share < one / 2:
        return f"under {100 * one:.0f} %"
    if share > 1 - one / 2:
        return f"over {100 * (1 - one):.0f} %"
    return f"{100 * share:.0f} %"


@register.inclusion_tag("tracker/_spread.html")
def spread(estimate: StartEstimate, now: datetime) -> dict[str, Any]:
    """The picture of start and end; nothing where no time is known."""
    starts = (estimate.p10_at, estimate.p50_at, estimate.p90_at)
    ends = (estimate.finish_p50_at, estimate.finish_p90_at)
    is_open = "p90" in estimate.later_than_horizon and any(starts)
    horizon_at = estimate.snapshot_at + timedelta(seconds=estimate.horizon_s)
    axis = Axis.around(now, [*starts, *ends, horizon_at if is_open else None])
    rows = [
        ("Starts", axis.span(*starts, is_open=is_open)),
        ("Ends", axis.span(None, *ends, is_open=is_open and estimate.finish_p90_at is None)),
    ]
    return {"axis": axis, "rows": [(label, span) for label, span in rows if span]}


@register.inclusion_tag("tracker/_spread_bar.html")
def spread_of(said: StartEstimate | dict[str, Any], axis: Axis | None) -> dict[str, Any]:
    """A start, of an estimate or of an option that has its fields, as one line of a table on an
    axis that all of them share; nothing where only the middle is known. The cell says it in words.
    """
    fields = said if isinstance(said, dict) else vars(said)
    if axis is None or fields["p10_at"] is None:
        return {}
    times = (fields["p10_at"], fields["p50_at"], fields["p90_at"])
    return {"span": axis.span(*times, is_open="p90" in fields["later_than_horizon"])}
