"""One way to ask for a job and what comes of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import takewhile
from math import inf, isfinite
from typing import Any

from planner.advice.worth import is_worth_it
from planner.asking.probe import PROBE
from planner.asking.request import Request
from planner.ensemble import Spread, Told
from planner.ensemble.spread import LEVELS
from planner.quantiles import Quantiles

NOT_SAID = Quantiles(None, None, None)
NEVER = Told(NOT_SAID, NOT_SAID, (), None)
SAME = 0.01  # ends that differ by less of the time to them are told apart by their late quantile


@dataclass(frozen=True, slots=True)
class FairShare:
    """The asker's factor, from 0 to 1, before the job and once it is charged for a usual run."""

    now: float
    after: float


@dataclass(frozen=True, slots=True)
class Option:
    """The request in one partition, under one QOS. Times are seconds from the snapshot."""

    partition: str
    request: Request  # with the QOS and GPU type of the option
    limit_minutes: int | None
    why_not: str | None  # None: allowed
    p10_s: float | None = None  # of the start; None: see later_than_horizon, or not allowed
    p50_s: float | None = None
    p90_s: float | None = None
    finish: Quantiles = NOT_SAID
    later_than_horizon: tuple[str, ...] = ()
    p_within_10_min: float | None = None
    how: str = ""  # what the site's own record made of it, in words
    billing_units: float | None = None  # charged per second
    reasons: tuple[str, ...] = ()
    fair_share: FairShare | None = None
    is_default: bool = False  # what sbatch makes of the request as it was asked
    begin: str | None = None  # for --begin, in the cluster's own time; None: at once
    approximate: bool = False  # fitted into stored futures, where others are simulated with it

    @property
    def start(self) -> Quantiles:
        return Quantiles(self.p10_s, self.p50_s, self.p90_s)

    @property
    def allowed(self) -> bool:
        return self.why_not is None

    @property
    def has_start(self) -> bool:
        return self.p50_s is not None

    @property
    def billing_unit_hours(self) -> float | None:
        """The most that it can be charged."""
        if self.billing_units is None or self.limit_minutes is None:
            return None
        return self.billing_units * self.limit_minutes / 60

    @property
    def sbatch_args(self) -> list[str]:
        """Options of sbatch that ask for exactly this."""
        args = self.request.sbatch_args(self.partition)
        return [*args, f"--begin={self.begin}"] if self.begin else args

    def told(self, by: Spread) -> Option:
        """With the times that replicas say of the probe; without, if waiting never starts it."""
        told = by.told(PROBE) or NEVER
        return replace(
            self,
            p10_s=told.start.p10_s,
            p50_s=told.start.p50_s,
            p90_s=told.start.p90_s,
            finish=told.finish,
            later_than_horizon=told.later_than_horizon,
            p_within_10_min=told.p_within_10_min,
        )

    def within(self, horizon_s: float) -> Option:
        """Without what lies beyond the horizon, when it is corrected: such starts are named, and
        the ends that follow them are not said."""
        times_s = zip(LEVELS, (self.p10_s, self.p50_s, self.p90_s), strict=True)
        late = [level for level, at_s in times_s if at_s is not None and at_s > horizon_s]
        start, finish = _without(late, self.start), _without(late, self.finish)
        return replace(
            self,
            p10_s=start.p10_s,
            p50_s=start.p50_s,
            p90_s=start.p90_s,
            finish=finish,
            later_than_horizon=tuple(sorted({*self.later_than_horizon, *late})),
        )

    def as_json(self) -> dict[str, Any]:
        """Keys as ``manage.py plan`` prints them."""
        begin_at = self.request.begin_at
        return {
            "partition": self.partition,
            "qos": self.request.qos,
            "gpu_type": self.request.gpu_type,
            "nodes": self.request.nodes,
            "limit_minutes": self.limit_minutes,
            "begin_at": begin_at.isoformat() if begin_at else None,
            "allowed": self.allowed,
            "why_not": self.why_not,
            "start": asdict(self.start),
            "finish": asdict(self.finish),
            "later_than_horizon": list(self.later_than_horizon),
            "p_within_10_min": self.p_within_10_min,
            "how": self.how,
            "billing_units": self.billing_units,
            "billing_unit_hours": self.billing_unit_hours,
            "fair_share": asdict(self.fair_share) if self.fair_share else None,
            "is_default": self.is_default,
            "approximate": self.approximate,
            "sbatch_args": self.sbatch_args,
            "reasons": list(self.reasons),
        }


def ranked(options: Iterable[Option]) -> tuple[Option, ...]:
    """The earliest end first: by its middle; where middles are the same to a person, by its late
    quantile, then what was asked for, then the cheaper. Refused ones last.

    Nothing comes before what was asked for by less than is worth a change.
    """
    by_end = sorted(options, key=lambda option: (not option.allowed, _middle(option)))
    in_order: list[Option] = []
    while by_end:
        alike = list(takewhile(partial(_is_same, by_end[0]), by_end))
        in_order += sorted(alike, key=_among_alike)
        del by_end[: len(alike)]
    asked = next((one for one in in_order if one.is_default and one.has_start), None)
    if asked is not None:
        sooner_s, wait_s = _sooner_s(in_order[0], asked), asked.p50_s or 0.0
        if not is_worth_it(sooner_s, wait_s, asked.limit_minutes):
            in_order.sort(key=lambda option: option is not asked)
    return tuple(in_order)


def _sooner_s(one: Option, other: Option) -> float:
    """Its middle end before that of another that has one, or else its start."""
    if one.finish.p50_s is not None and other.finish.p50_s is not None:
        return other.finish.p50_s - one.finish.p50_s
    return _or_never(other.p50_s) - _or_never(one.p50_s)


def _is_same(one: Option, other: Option) -> bool:
    if one.allowed != other.allowed:
        return False
    return all(
        low == high or (isfinite(high) and high - low <= SAME * high)
        for low, high in zip(_middle(one), _middle(other), strict=True)
    )


def _middle(option: Option) -> tuple[float, float]:
    """End, or where it is not said, start."""
    return _or_never(option.finish.p50_s), _or_never(option.p50_s)


def _among_alike(option: Option) -> tuple[float, ...]:
    late_s = _or_never(option.finish.p90_s), _or_never(option.p90_s), _or_never(option.p10_s)
    cost = _or_never(option.billing_unit_hours)
    return (*late_s, not option.is_default, cost)


def _or_never(value: float | None) -> float:
    return inf if value is None else value


def _without(late: Collection[str], of: Quantiles) -> Quantiles:
    return Quantiles(
        None if "p10" in late else of.p10_s,
        None if "p50" in late else of.p50_s,
        None if "p90" in late else of.p90_s,
    )
