"""Times and counts as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from planner.quantiles import Quantiles

DAY_MINUTES = 1440


def span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``2 h 5 min``, ``3 d 4 h``; ``a moment`` for none."""
    if seconds < 1:
        return "a moment"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes >= 2 * DAY_MINUTES:
        days, hours = divmod(round(minutes / 60), 24)
        return _joined((days, "d"), (hours, "h"))
    hours, minutes = divmod(minutes, 60)
    return _joined((hours, "h"), (minutes, "min"))


def _joined(*parts: tuple[int, str]) -> str:
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def counted(count: int, noun: str) -> str:
    """``1 job``, ``12 jobs``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def share(part: float) -> str:
    """``4 %``; ``less than 1 %`` rather than none where there are some."""
    return "less than 1 %" if 0 < part < 0.01 else f"{100 * part:.0f} %"


class Clock:
    """Seconds from the snapshot as times of the cluster's zone."""

    def __init__(self, at: datetime, zone: str) -> None:
        """Raises ZoneInfoNotFoundError on a zone that is not known."""
        self.at = at.astimezone(UTC)
        self.zone = ZoneInfo(zone)

    def time(self, seconds: float) -> datetime:
        return self.at + timedelta(seconds=seconds)

    def seconds(self, at: datetime) -> float:
        return (at - self.at).total_seconds()

    def for_sbatch(self, at: datetime) -> str:
        return at.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def said(self, seconds: float) -> str:
        """``14:20`` today, ``Tue 14:20`` within a week, ``8 Dec 14:20`` later."""
        at = self.time(seconds).astimezone(self.zone)
        days = (at.date() - self.at.astimezone(self.zone).date()).days
        if not days:
            return f"{at:%H:%M}"
        return f"{at:%a %H:%M}" if abs(days) < 7 else f"{at.day} {at:%b %H:%M}"

    def starts(self, start: Quantiles, horizon_s: float) -> str:
        """``half the time by 14:20, nine times in ten by 15:05``."""
        if start.p50_s is None:
            return f"more often than not later than {span(horizon_s)} from now"
        if start.p10_s is None and start.p90_s is None:
            return f"about {self.said(start.p50_s)}"  # of one replica
        late = (
            f"later than {span(horizon_s)} from now one time in ten"
            if start.p90_s is None
            else f"nine times in ten by {self.said(start.p90_s)}"
        )
        return f"half the time by {self.said(start.p50_s)}, {late}"
