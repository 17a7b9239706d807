"""One call of a command: what the caller typed, and what is printed back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Call:
    command: str
    arguments: tuple[str, ...]
    cwd: str = "/"
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None

    def instant(self, at: float | None, *, unknown: str = "N/A") -> str:
        """A time as the caller's SLURM_TIME_FORMAT and TZ ask for it."""
        if at is None:
            return unknown
        if self.environment.get("SLURM_TIME_FORMAT") == "%s":
            return str(int(at))
        moment = datetime.fromtimestamp(at, UTC).astimezone(self._zone())
        return moment.strftime("%Y-%m-%dT%H:%M:%S")

    def read_instant(self, text: str, now_at: float) -> float | None:
        """Epoch seconds of ``now``, ``now-2hours``, ``2026-11-24`` or ``…T08:00``; None if none."""
        if text == "now":
            return now_at
        if text.startswith("now-"):
            return _ago(text.removeprefix("now-"), now_at)
        if text.isascii() and text.isdigit() and len(text) > 8:
            return float(text)
        try:
            return datetime.fromisoformat(text).replace(tzinfo=self._zone()).timestamp()
        except (ValueError, OverflowError):
            return None

    def _zone(self) -> ZoneInfo | None:
        name = self.environment.get("TZ", "")
        try:
            return ZoneInfo(name) if name else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return None


_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def _ago(text: str, now_at: float) -> float | None:
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(digits) :].removesuffix("s") or "second"
    if not digits.isascii() or not digits.isdigit() or len(digits) > 8 or unit not in _UNIT_S:
        return None
    return now_at - int(digits) * _UNIT_S[unit]


@dataclass(frozen=True, slots=True)
class Answer:
    stdout: str = ""
    stderr: str = ""
    rc: int = 0
    wants_stdin: bool = False  # ask again, with what stands on standard input


def mem_text(mib: int) -> str:
    return f"{mib // 1024}G" if mib and mib % 1024 == 0 else f"{mib}M"


def short_duration(seconds: float) -> str:
    """As squeue and sinfo print it: ``5:00``, ``1:00:00``, ``2-00:00:00``."""
    if math.isinf(seconds):
        return "infinite"
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}-{hour:02}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"
