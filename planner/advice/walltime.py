"""The start against the time limit: where a longer one starts much later, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from planner.advice.fitting import Fitting
from planner.advice.option import Option
from planner.advice.words import Clock, span
from planner.asking.refusals import longest_s
from planner.quantiles import Quantiles
from planner.sim.cluster import Reservation

POINTS = 24
SHORTEST_MINUTES = 10
LONGEST_MINUTES = 7 * 1440  # where the partition sets no end
JUMP_S, JUMP_SHARE = 600.0, 0.2  # of the start between two limits: more is a cliff


@dataclass(frozen=True, slots=True)
class WalltimePoint:
    limit_minutes: int
    start: Quantiles
    later_than_horizon: tuple[str, ...]
    p_killed: float | None  # None: not known
    cliff: str | None  # what the job no longer fits before; None: no later than a shorter one
    is_asked: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "limit_minutes": self.limit_minutes,
            "start": asdict(self.start),
            "later_than_horizon": list(self.later_than_horizon),
            "p_killed": self.p_killed,
            "cliff": self.cliff,
            "is_asked": self.is_asked,
        }


def walltime(fitting: Fitting, option: Option) -> tuple[WalltimePoint, ...]:
    """Of an option that is allowed, shortest limit first."""
    world, request = fitting.world, option.request
    partition = next(one for one in world.partitions if one.name == option.partition)
    minutes = _limits(longest_s(world, partition, request) / 60, option.limit_minutes)
    limits_s = [60.0 * limit for limit in minutes]
    fits = fitting.fits(request, option.partition, limits_s=limits_s)
    points = [
        WalltimePoint(
            limit_minutes=limit,
            start=told.start,
            later_than_horizon=told.later_than_horizon,
            p_killed=fits.run.p_killed(60.0 * limit),
            cliff=None,
            is_asked=limit == option.limit_minutes,
        )
        for place, limit in enumerate(minutes)
        for told in (option.told(fits.spread(place)),)
    ]
    in_the_way = [r for r in world.reservations if (r.nodes & partition.nodes).any()]
    return _with_cliffs(points, in_the_way, fitting.horizon_s, fitting.clock)


def _limits(longest_minutes: float, asked_minutes: int | None) -> list[int]:
    longest = min(longest_minutes, max(LONGEST_MINUTES, asked_minutes or 0))
    spaced = np.geomspace(min(SHORTEST_MINUTES, longest), longest, POINTS)
    found = {_round(limit, longest) for limit in spaced.tolist()}
    return sorted(found | ({asked_minutes} if asked_minutes else set()))


def _round(minutes: float, longest: float) -> int:
    """As people ask: in fives, quarters, hours."""
    step = next(step for step, to in ((1, 10), (5, 60), (15, 360), (60, 1e9)) if minutes <= to)
    return max(1, int(min(step * round(minutes / step), longest)))


def _with_cliffs(
    points: Sequence[WalltimePoint],
    reservations: Sequence[Reservation],
    horizon_s: float,
    clock: Clock,
) -> tuple[WalltimePoint, ...]:
    found = list(points[:1])
    for before, after in pairwise(points):
        early_s, late_s = before.start.p50_s, after.start.p50_s
        cliff: str | None = None
        if early_s is not None and (late_s is not None or after.later_than_horizon):
            jump_s = (horizon_s if late_s is None else late_s) - early_s
            if jump_s > max(JUMP_S, JUMP_SHARE * early_s):
                cliff = _cliff(before, after, early_s, reservations, clock)
        found.append(replace(after, cliff=cliff))
    return tuple(found)


def _cliff(
    before: WalltimePoint,
    after: WalltimePoint,
    early_s: float,
    reservations: Sequence[Reservation],
    clock: Clock,
) -> str:
    for one in reservations:
        fits_before = early_s + 60.0 * before.limit_minutes <= one.start_s
        if fits_before and one.start_s < early_s + 60.0 * after.limit_minutes:
            return (
                f"Above {span(60.0 * before.limit_minutes)} it no longer ends before reservation"
                f" {one.name} begins at {clock.said(one.start_s)}."
            )
    return (
        f"Above {span(60.0 * before.limit_minutes)} it no longer fits into the gap before jobs"
        " that come first."
    )
