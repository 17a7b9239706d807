"""Times that are not certain on a common axis: a bar from the early to the late one, a mark for the
middle. Places are percents of the axis, as the SVG of the templates takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTEST = timedelta(minutes=10)
MARGIN = 1.04  # of the axis: no mark lies on its end
TICKS_MAX = 5
STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200)
)
NEAR_END = 90.0  # percent: a label further right is written to the left of its tick


@dataclass(frozen=True, slots=True)
class Tick:
    place: str
    after: timedelta  # the start of the axis
    is_near_end: bool


@dataclass(frozen=True, slots=True)
class Span:
    """What is drawn of three times. ``width`` "0.00": only the middle is known."""

    left: str
    width: str
    middle: str | None
    is_open: bool  # its late end lies beyond the axis


@dataclass(frozen=True, slots=True)
class Axis:
    start_at: datetime
    until_at: datetime

    @classmethod
    def around(cls, now: datetime, times: Iterable[datetime | None]) -> Axis:
        """From now to a little after the last of the times; ten minutes at least."""
        last = max((at for at in times if at is not None), default=now)
        return cls(now, now + max(SHORTEST, (last - now) * MARGIN))

    def place(self, at: datetime) -> float:
        """Percent; what lies outside is drawn at the edge."""
        return min(100.0, max(0.0, 100.0 * ((at - self.start_at) / self.length)))

    @property
    def length(self) -> timedelta:
        return self.until_at - self.start_at

    @property
    def ticks(self) -> Iterator[Tick]:
        """At round distances from the start, itself left out."""
        step = next((step for step in STEPS if self.length / step <= TICKS_MAX), STEPS[-1])
        for count in range(1, int(self.length / step) + 1):
            place = self.place(self.start_at + count * step)
            yield Tick(f"{place:.2f}", count * step, place > NEAR_END)

    def span(
        self,
        low_at: datetime | None,
        mid_at: datetime | None,
        high_at: datetime | None,
        *,
        is_open: bool = False,
    ) -> Span | None:
        """None where there is nothing to draw. ``is_open``: what is missing at the late end lies
        beyond the axis."""
        known = [self.place(at) for at in (low_at, mid_at, high_at) if at is not None]
        if not known:
            return None
        right = 100.0 if is_open else known[-1]
        middle = None if mid_at is None else f"{self.place(mid_at):.2f}"
        return Span(f"{known[0]:.2f}", f"{right - known[0]:.2f}", middle, is_open)
