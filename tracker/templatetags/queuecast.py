"""What templates need to say times, durations and states: ``{% load queuecast %}``."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracker.models import Run
from tracker.views.poll_ages import QUEUE_OLD_AFTER

register = template.Library()

UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
NOT_KNOWN = "–"
PILLS = {
    "COMPLETED": "ok",
    "RUNNING": "run",
    "COMPLETING": "run",
    "CONFIGURING": "run",
    "PENDING": "wait",
    "SUBMITTING": "wait",
    "SUSPENDED": "warn",
    "PREEMPTED": "warn",
    "UNKNOWN": "warn",
    "CANCELLED": "quiet",
    "CREATED": "quiet",
}


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Two units at most: "3 h 12 min", "45 s", "12 d"; a dash where unknown."""
    if value is None or value == "":
        return NOT_KNOWN
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    whole = round(abs(seconds))
    sign = "−" if seconds < 0 and whole else ""
    for place, (name, size) in enumerate(UNITS):
        if whole < size:
            continue
        count, rest = divmod(whole, size)
        if count < 10 and place + 1 < len(UNITS):
            next_name, next_size = UNITS[place + 1]
            if rest // next_size:
                return f"{sign}{count} {name} {rest // next_size} {next_name}"
        return f"{sign}{count} {name}"
    return "0 s"


@register.filter
def minutes(value: float | None) -> str:
    """A duration given in minutes, such as a time limit."""
    return duration(None if value is None else value * 60)


@register.filter
def moment(at: datetime | None) -> str | SafeString:
    """A time that time.js shows in the reader's zone; UTC without a script."""
    return _time(at, "time")


@register.filter
def clock(at: datetime | None) -> str | SafeString:
    """The same beside another moment: of a time today time.js shows the clock alone."""
    return _time(at, "clock")


def _time(at: datetime | None, shown_as: str) -> str | SafeString:
    if at is None:
        return NOT_KNOWN
    at = at.astimezone(UTC)
    shown = at.strftime("%Y-%m-%d %H:%M UTC")
    return format_html('<time datetime="{}" data-{}>{}</time>', at.isoformat(), shown_as, shown)


@register.filter
def ago(at: datetime | None) -> str | SafeString:
    """ "40 s ago" or "in 3 h"; time.js keeps it counting."""
    if at is None:
        return NOT_KNOWN
    age_s = (timezone.now() - at).total_seconds()
    shown = f"{duration(age_s)} ago" if age_s >= 0 else f"in {duration(-age_s)}"
    iso = at.astimezone(UTC).isoformat()
    return format_html('<time datetime="{}" data-age>{}</time>', iso, shown)


@register.filter
def since(at: datetime | None) -> str | SafeString:
    """How far from now as a duration, "2 h 5 min"; time.js keeps it counting."""
    if at is None:
        return NOT_KNOWN
    iso = at.astimezone(UTC).isoformat()
    return format_html(
        '<time datetime="{}" data-since>{}</time>', iso, duration(abs(timezone.now() - at))
    )


@register.simple_tag
def data_age(what: str, at: datetime | None) -> SafeString:
    """The line "queue as of 40 s ago" that stands beside everything polled."""
    if at is None:
        return format_html('<span class="age age-old">no {} yet</span>', what)
    is_old = timezone.now() - at > QUEUE_OLD_AFTER
    css = "age age-old" if is_old else "age"
    return format_html('<span class="{}">{} as of {}</span>', css, what, ago(at))


@register.filter
def status_pill(status: str) -> SafeString:
    """A run's status or a job's state as a pill; words it does not know are failures."""
    css = PILLS.get(status, "bad")
    return format_html('<span class="pill pill-{}">{}</span>', css, state_words(status))


@register.filter
def state_words(state: str) -> str:
    """OUT_OF_MEMORY as people write it."""
    return state.replace("_", " ").lower()


@register.filter
def until(start: datetime | None, end: datetime | None) -> timedelta | None:
    return end - start if start and end else None


@register.filter
def waited_s(run: Run, now: datetime) -> float | None:
    """Seconds between a run's submission and its start: so far, where it still waits."""
    if run.submitted_at is None:
        return None
    end = run.started_at or run.ended_at or now
    return (end - run.submitted_at).total_seconds()


@register.filter
def figure(value: float | None) -> str:
    """A metric's value in at most five digits; NaN and infinities by their names."""
    if value is None:
        return NOT_KNOWN
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return "NaN" if math.isnan(value) else f"{value:.5g}".replace("-", "−")


@register.simple_tag
def stacked_bar(label: str, **parts: float) -> SafeString:
    """An SVG bar of ``busy=3 free=5 down=0``, said in words by ``label``."""
    total = sum(parts.values())
    rects, x = SafeString(""), 0.0
    for name, part in parts.items():
        width = 100 * part / total if total else 0.0
        rects += format_html(
            '<rect class="bar-{}" x="{}" width="{}" height="10"/>', name, f"{x:.2f}", f"{width:.2f}"
        )
        x += width
    return format_html(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        'aria-label="{}">{}</svg>',
        label,
        rects,
    )


@register.simple_tag(takes_context=True)
def query_with(context: template.Context, **changes: object) -> str:
    """The page's own query string with some fields changed; None drops one. For sorts and pages."""
    query: QueryDict = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}"
