"""The last hour to submit a job that is to be over by a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from planner.advice.hours import HourPoint
from planner.advice.runs import OwnRun
from planner.advice.words import Clock, share

MET = 0.9  # a deadline is met that is met so often


@dataclass(frozen=True, slots=True)
class Deadline:
    at: datetime
    latest_submit_at: datetime | None  # None: not even now
    p_met_now: float | None  # None: run times of such jobs are not known
    cheapest: HourPoint | None  # of the hours that meet it, the one with the shortest wait
    sentence: str

    def as_json(self) -> dict[str, Any]:
        cheapest = self.cheapest and {
            "submit_at": self.cheapest.submit_at.isoformat(),
            "wait_p50_s": self.cheapest.wait.p50_s,
        }
        latest = self.latest_submit_at
        return {
            "at": self.at.isoformat(),
            "latest_submit_at": latest.isoformat() if latest else None,
            "p_met_now": self.p_met_now,
            "cheapest": cheapest,
            "sentence": self.sentence,
        }


def deadline_of(
    deadline_at: datetime, hours: Sequence[HourPoint], run: OwnRun, clock: Clock
) -> Deadline:
    """``hours`` are those of one option, ``run`` its run time."""
    deadline_s = clock.seconds(deadline_at)
    said_at = clock.said(deadline_s)
    if not run.is_known or not hours or hours[0].basis == "none":
        said = (
            "Too little is known of how long such jobs run, or wait, to tell whether it is over by"
            f" {said_at}."
        )
        return Deadline(deadline_at, None, None, None, said)
    chances = [
        (run.p_done_by(deadline_s - point.submit_s, point.waits_s), point)
        for point in hours
        if point.basis != "none" and point.submit_s < deadline_s
    ]
    p_now = run.p_done_by(deadline_s, hours[0].waits_s)
    good = [point for chance, point in chances if chance >= MET]
    if not good:
        said = f"Submitted now it is over by {said_at} with {share(p_now)}: not to be relied on."
        return Deadline(deadline_at, None, p_now, None, said)
    latest = good[-1]
    cheapest = min(good, key=lambda point: _or_long(point.wait.p50_s))
    said = (
        f"To be over by {said_at} nine times in ten, submit by {clock.said(latest.submit_s)};"
        f" submitted now it is with {share(p_now)}."
    )
    return Deadline(deadline_at, latest.submit_at, p_now, cheapest, said)


def _or_long(wait_s: float | None) -> float:
    return inf if wait_s is None else wait_s
