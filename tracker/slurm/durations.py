"""Slurm's ways to write durations and instants, and back.

Everything here raises ``ValueError`` naming the text; the parsers add the line and the command.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

NOT_SAID = frozenset(
    {"", "(null)", "none", "n/a", "unknown", "invalid", "partition_limit", "not_set", "null"}
)
UNLIMITED = frozenset({"unlimited", "infinite", "-1"})
MAX_DAYS = 1_000_000  # 2,700 years; Slurm's own "infinite" is 136
MAX_EPOCH_S = 253_402_300_799  # the last second of the year 9999

_CLOCK = re.compile(
    r"(?:(?P<days>[0-9]{1,7})-)?(?P<fields>[0-9]{1,9}(?::[0-9]{1,9}){0,2})(?P<fraction>\.[0-9]{1,9})?"
)
_WITH_UNIT = re.compile(r"(?P<count>[0-9]{1,12})\s*(?P<unit>sec|min|hour|usec)[a-z]*")
_UNIT_S = {"usec": 1e-6, "sec": 1.0, "min": 60.0, "hour": 3600.0}


def parse_duration_s(text: str) -> float | None:
    """Seconds of ``[D-]HH:MM:SS[.mmm]``, ``MM:SS``, ``300 sec``; ``math.inf`` for UNLIMITED.

    ``Partition_Limit``, ``INVALID``, ``None`` and their like are None. A lone number is what it is
    to every Slurm command: minutes; after ``D-`` it is hours, and ``D-HH:MM`` has no seconds.
    """
    word = text.strip().lower()
    if word in NOT_SAID:
        return None
    if word in UNLIMITED:
        return math.inf
    if with_unit := _WITH_UNIT.fullmatch(word):
        return int(with_unit["count"]) * _UNIT_S[with_unit["unit"]]
    clock = _CLOCK.fullmatch(word)
    if clock is None or not word.isascii():
        raise ValueError(f"{text!r} is not a duration such as 1-12:30:00, 05:00 or UNLIMITED")
    fields = [int(field) for field in clock["fields"].split(":")]
    if clock["days"] is not None:
        hours, minutes, seconds = [*fields, 0, 0][:3]
    else:
        hours, minutes, seconds = [*([0] if len(fields) < 3 else []), *fields, 0][:3]
    days = int(clock["days"] or 0)
    if days > MAX_DAYS:
        raise ValueError(f"{text!r} is longer than {MAX_DAYS} days")
    return days * 86400 + hours * 3600 + minutes * 60 + seconds + float(clock["fraction"] or 0)


def parse_minutes(text: str) -> float | None:
    """A time limit in whole minutes (Slurm rounds up), ``math.inf`` for UNLIMITED, or None."""
    seconds = parse_duration_s(text)
    if seconds is None or math.isinf(seconds):
        return seconds
    return math.ceil(seconds / 60)


def format_duration(seconds: float) -> str:
    """``[D-]HH:MM:SS`` as Slurm prints and reads it; ``UNLIMITED`` for infinity."""
    if math.isinf(seconds):
        return "UNLIMITED"
    if seconds < 0:
        raise ValueError(f"a duration cannot be {seconds} s")
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    return f"{days}-{clock}" if days else clock


def parse_time(text: str) -> datetime | None:
    """An aware UTC time from an epoch or from ISO without a zone (asked for with ``TZ=UTC``).

    ``Unknown``, ``None``, ``N/A``, ``(null)`` and 0 are None: Slurm's zero means "not yet".
    """
    word = text.strip()
    if word.lower() in NOT_SAID:
        return None
    if word.isascii() and word.isdigit():
        epoch_s = int(word) if len(word) <= 12 else MAX_EPOCH_S + 1
        if epoch_s > MAX_EPOCH_S:
            raise ValueError(f"{text!r} is past the year 9999, not an epoch in seconds")
        return datetime.fromtimestamp(epoch_s, UTC) if epoch_s else None
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither an epoch nor a time such as 2026-11-23T12:30:14"
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
