"""Which job ran when on which processors, where the queue was longest."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np

from planner.report.drawing import Frame, picture
from planner.report.lanes import Piece, lanes
from planner.report.schedule import IntArray, Schedule
from planner.report.words import duration

MOST_JOBS = 2000
EDGED = 3.0  # units of the picture
STYLES = (("wait-none", 60.0), ("wait-some", 3600.0), ("wait-long", np.inf))  # waits up to


@dataclass(frozen=True, slots=True)
class Bar:
    """Times in seconds from the first submission of the schedule."""

    job_id: str
    procs: int
    submit_s: float
    start_s: float
    end_s: float
    pieces: list[Piece]

    @property
    def wait_s(self) -> float:
        return self.start_s - self.submit_s

    @property
    def told(self) -> str:
        return (
            f"job {self.job_id}: {self.procs:,} processors for"
            f" {duration(self.end_s - self.start_s)}, after a wait of {duration(self.wait_s)}"
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the schedule, and all that runs in it, in order of start."""

    from_s: float
    until_s: float
    bars: list[Bar]


def window(schedule: Schedule, most: int = MOST_JOBS) -> Window:
    """All of it; with more jobs than ``most``, so many about the longest queue."""
    origin_s = schedule.submit_s.min()
    shown, from_s, until_s = _about_the_longest_queue(schedule, most)
    submit_s, start_s, end_s = (
        (times_s[shown] - origin_s).tolist()
        for times_s in (schedule.submit_s, schedule.start_s, schedule.end_s)
    )
    procs = schedule.procs[shown].tolist()
    given = lanes(start_s, end_s, procs, schedule.processors)
    job_ids = map(str, schedule.job_ids[shown])
    rows = zip(job_ids, procs, submit_s, start_s, end_s, given, strict=True)
    return Window(from_s - origin_s, until_s - origin_s, [Bar(*row) for row in rows])


def _about_the_longest_queue(schedule: Schedule, most: int) -> tuple[IntArray, float, float]:
    """Jobs in order of start, and from when until when no other runs."""
    by_start = np.argsort(schedule.start_s, kind="stable")
    start_s = schedule.start_s[by_start]
    if len(by_start) <= most:
        return by_start, float(start_s[0]), float(schedule.end_s.max())
    # Jobs are in order of submission: so many had come when each started, so many had started.
    come = np.searchsorted(schedule.submit_s, start_s, side="right")
    longest = int(np.argmax(come - np.arange(len(by_start))))
    first = min(max(0, longest - most // 2), len(by_start) - most)
    before = by_start[:first]
    still_running = before[schedule.end_s[before] > start_s[first]]
    new = by_start[first : first + max(most - len(still_running), 1)]
    shown = np.concatenate((still_running, new))
    until_s = schedule.start_s[new[-1]]
    if until_s <= start_s[first]:  # they all start at once
        until_s = schedule.end_s[shown].max()
    return shown, float(start_s[first]), float(until_s)


def gantt(shown: Window, processors: int) -> str:
    frame = Frame(shown.from_s, shown.until_s, 0, processors, 420)
    label = f"{len(shown.bars):,} jobs on {processors:,} processors over time"
    return picture(frame, label, (_drawn(frame, bar) for bar in shown.bars))


def _drawn(frame: Frame, bar: Bar) -> str:
    left = frame.x(max(bar.start_s, frame.low_s))
    right = frame.x(min(bar.end_s, frame.high_s))
    style = next(name for name, up_to_s in STYLES if bar.wait_s <= up_to_s)
    path, least = "", EDGED
    for first, after in bar.pieces:
        low, high = frame.y(first), frame.y(after)
        path += f"M{left} {low}V{high}H{right}V{low}Z"
        least = min(least, right - left, low - high)
    edged = " edged" if least >= EDGED else ""  # an edge would hide what is hardly wider
    return f'<path class="{style}{edged}" d="{path}"><title>{escape(bar.told)}</title></path>'
