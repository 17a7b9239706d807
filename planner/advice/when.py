"""When to submit: now, but for what the futures show otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from planner.advice.deadline import Deadline, deadline_of
from planner.advice.drawbacks import Drawback, of_holes, of_limits, of_maintenance
from planner.advice.fitting import Fitting
from planner.advice.hours import HourPoint
from planner.advice.option import Option
from planner.advice.walltime import WalltimePoint
from planner.advice.words import Clock, span
from planner.advice.worth import is_worth_it


@dataclass(frozen=True, slots=True)
class When:
    sentence: str
    exceptions: tuple[Drawback, ...]
    deadline: Deadline | None

    def as_json(self) -> dict[str, Any]:
        return {
            "sentence": self.sentence,
            "exceptions": [one.as_json() for one in self.exceptions],
            "deadline": self.deadline and self.deadline.as_json(),
        }


def when(
    fitting: Fitting,
    option: Option,
    hours: Sequence[HourPoint],
    points: Sequence[WalltimePoint],
    reason: str,
) -> When:
    """``hours`` and ``points`` are those of the option, ``reason`` is Slurm's why it waits now."""
    partition = next(p for p in fitting.world.partitions if p.name == option.partition)
    run = fitting.run(option.request, fitting.probe(option.request, option.partition))
    later, clock = _later_but_sooner(hours), fitting.clock
    exceptions = [
        *of_maintenance(fitting.world.reservations, partition, option, run, clock),
        *of_holes(points, run, clock),
        *of_limits(reason),
        *(() if later is None else (_later(hours[0], later, clock),)),
    ]
    deadline_at = option.request.deadline_at
    return When(
        sentence=_sentence(hours, later),
        exceptions=tuple(exceptions),
        deadline=None if deadline_at is None else deadline_of(deadline_at, hours, run, clock),
    )


def _sentence(hours: Sequence[HourPoint], later: HourPoint | None) -> str:
    looked_at = sum(point.basis == "futures" for point in hours)
    ages = "A job that waits grows older and keeps its place; one that is not submitted does not."
    if looked_at < 2:
        return f"Submit now. {ages}"
    if later is not None:
        return f"{ages} Yet this one is seen to start sooner if you wait: see below."
    return f"Submit now. {ages} At no hour of the next {looked_at} would it start sooner."


def _later_but_sooner(hours: Sequence[HourPoint]) -> HourPoint | None:
    """The hour from which the futures, against all experience, see it start before a job that is
    submitted now, by so much that it is no noise."""
    starts = [
        (point.submit_s + point.wait.p50_s, point)
        for point in hours
        if point.basis == "futures" and point.wait.p50_s is not None
    ]
    if not starts or starts[0][1].submit_s > 0:
        return None
    now_s = starts[0][0]
    best_s, best = min(starts, key=lambda start: start[0])
    return best if is_worth_it(now_s - best_s, now_s) else None


def _later(now: HourPoint, later: HourPoint, clock: Clock) -> Drawback:
    gain_s = (now.wait.p50_s or 0.0) - (later.submit_s + (later.wait.p50_s or 0.0))
    said = (
        f"Submitted at {clock.said(later.submit_s)} it would start {span(gain_s)} sooner than now:"
        " by then jobs that come first are past."
    )
    return Drawback("hole", said, later.submit_at)
