"""Instants as people give them to ``sbatch --begin`` and ``--deadline``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

_NAMED = {"midnight": time(0), "noon": time(12), "fika": time(15), "teatime": time(16)}
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_FROM_NOW = re.compile(r"now(?:\+([0-9]{1,9})(?:(second|minute|hour|day|week)s?)?)?", re.ASCII)
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?: ?([ap])m)?", re.ASCII)
CURE = "give a time such as now+2hours, 16:00, tomorrow or 2026-11-23T12:30"


def parse_instant(text: str, now: datetime) -> datetime:
    """In UTC. ``now`` is aware, and its zone is that of times given without one.

    As Slurm's parse_time.c reads it: a time of day that has passed is tomorrow's, a date alone is
    its midnight. ValueError with the cure on anything else.
    """
    word = text.strip().lower()
    moment = _from_now(word, now) or _at_clock(word, now) or _on_date(word, now)
    if moment is None:
        raise ValueError(f"{text[:80]!r} is not understood; {CURE}")
    return moment.astimezone(UTC)


def _from_now(word: str, now: datetime) -> datetime | None:
    if (match := _FROM_NOW.fullmatch(word)) is None:
        return None
    count, unit = int(match[1] or 0), match[2] or "second"
    try:
        return now + timedelta(seconds=count * _UNIT_S[unit])
    except OverflowError as error:
        raise ValueError(f"{word!r} is too far; {CURE}") from error


def _at_clock(word: str, now: datetime) -> datetime | None:
    clock = _NAMED.get(word) or _clock(word)
    if clock is None:
        return None
    today = _local(now.date(), clock, now)
    return today if today > now else _local(now.date() + timedelta(days=1), clock, now)


def _clock(word: str) -> time | None:
    if (match := _CLOCK.fullmatch(word)) is None:
        return None
    hour = int(match[1])
    if match[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (match[4] == "p")
    try:
        return time(hour, int(match[2]), int(match[3] or 0))
    except ValueError:
        return None


def _on_date(word: str, now: datetime) -> datetime | None:
    days = {"today": 0, "tomorrow": 1}.get(word)
    if days is not None:
        return _local(now.date() + timedelta(days=days), time(0), now)
    try:
        moment = datetime.fromisoformat(word.upper())
    except ValueError:
        return None
    return moment if moment.tzinfo else _local(moment.date(), moment.time(), now)


def _local(day: date, clock: time, now: datetime) -> datetime:
    return datetime.combine(day, clock, tzinfo=now.tzinfo)
