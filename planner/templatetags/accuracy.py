"""How a track record says shares and comparisons: ``{% load accuracy %}``.

No share carries more digits than the jobs that it rests on.
"""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from planner.accuracy import Interval
from planner.accuracy.words import FEW, rounded_share
from planner.record.track_record import MILESTONES, Against, SaidRange
from tracker.templatetags.queuecast import NOT_KNOWN, duration

register = template.Library()
TOO_FEW = format_html('<span class="soft">{}</span>', "too few")


@register.simple_tag
def share(value: float | None, n: int) -> str | SafeString:
    """Of ``n`` jobs: whole percents, steps of five where they are few, nothing below FEW."""
    if value is None:
        return NOT_KNOWN
    return rounded_share(value, n) if n >= FEW else TOO_FEW


@register.simple_tag
def error_saved(against: Against) -> str | SafeString:
    """Skill in words: "35 % less"; above 100 % more it is told as a factor."""
    if against.skill is None:
        return NOT_KNOWN
    if against.n < FEW:
        return TOO_FEW
    if against.skill < -1.0:
        return f"{1.0 - against.skill:.1f} times"
    size = rounded_share(abs(against.skill), against.n)
    return f"{size} {'less' if against.skill >= 0 else 'more'}"


@register.filter
def error_saved_between(against: Against) -> str | SafeString:
    """ " (20 to 45)", in percent less; empty where nothing may be said."""
    if against.skill_interval is None or against.n < FEW:
        return ""
    low, high = (f"{100 * end:.0f}".replace("-", "−") for end in against.skill_interval)
    return format_html(' <span class="soft nowrap">({} to {})</span>', low, high)


@register.filter
def percent(value: float) -> str:
    return f"{100 * value:.0f} %"


@register.filter
def between(interval: Interval) -> str:
    """ "83 to 91 %" """
    low, high = (f"{100 * end:.0f}" for end in interval)
    return f"{low} to {high} %"


@register.filter
def milestone(minutes: str | int) -> str:
    return MILESTONES[int(minutes)]


@register.filter
def said_range(said: SaidRange) -> str:
    if said.high_s is None:
        return f"{duration(said.low_s)} or more"
    return f"{duration(said.low_s)} to {duration(said.high_s)}" if said.low_s else "under 1 min"
