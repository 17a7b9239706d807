"""Why a job would wait: the reason, who comes first, what is short, and which ends it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from planner.advice.ends import End, Sight, ends
from planner.advice.fitting import Fitting
from planner.advice.option import Option
from planner.advice.shares import Shares
from planner.advice.shortage import Critical, critical
from planner.advice.standing import BYS, Standing, standing
from planner.advice.words import counted
from planner.quantiles import Quantiles
from planner.sim.jobs import Job
from tracker.slurm.reasons import explain

TIMES = (0.5, 2.0)  # the asker's fair share
AT_ONCE_S = 60.0
MOSTLY = 0.9  # of the futures
_LEADS = {
    "tier": "by the tier of their partition",
    "fair_share": "by fair share",
    "age": "by having waited longer",
    "qos": "by their QOS",
    "partition": "by their partition",
    "size": "by their size",
    "other": "by what administrators set",
}


@dataclass(frozen=True, slots=True)
class WhatIf:
    fair_share: float
    start: Quantiles
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Why:
    reason: str  # Slurm's word
    sentence: str
    standing: Standing
    critical: Critical | None
    ends: tuple[End, ...]
    fair_share_what_if: tuple[WhatIf, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "reason": self.reason,
            "sentence": self.sentence,
            "ahead": {"jobs": self.standing.ahead, "by": dict(self.standing.by)},
            "critical": self.critical and self.critical.as_json(),
            "ends": [end.as_json() for end in self.ends],
            "fair_share_what_if": [one.as_json() for one in self.fair_share_what_if],
        }


def why(fitting: Fitting, option: Option, shares: Shares, sight: Sight) -> Why:
    """Of an option that is allowed. Simulates the instant of the snapshot once."""
    probe = fitting.probe(option.request, option.partition)
    need = fitting.record(probe).need
    fits = fitting.fits(option.request, option.partition)
    stands = standing(fitting.world, probe)
    start_s = fits.start_s[:, 0]
    if (start_s <= AT_ONCE_S).mean() >= MOSTLY:
        return Why(stands.reason, _at_once(stands), stands, None, (), ())
    return Why(
        reason=stands.reason,
        sentence=_sentence(stands),
        standing=stands,
        critical=critical(fitting.world, probe, need),
        ends=ends(fitting.futures, start_s, need.grain.mask, sight, fitting.clock),
        fair_share_what_if=tuple(_what_if(fitting, option, probe, shares)),
    )


def _at_once(stands: Standing) -> str:
    if not stands.ahead:
        return "Enough of what it needs is free and nobody comes first: it starts at once."
    return f"{_first(stands.ahead)}, but it fits in without delaying them: it starts at once."


def _first(ahead: int) -> str:
    return f"{counted(ahead, 'waiting job')} {'comes' if ahead == 1 else 'come'} first"


def _sentence(stands: Standing) -> str:
    why = explain(stands.reason).why
    if not stands.ahead:
        return f"{why} No waiting job comes first."
    first = _first(stands.ahead)
    most = max(BYS, key=lambda by: stands.by[by])
    by = "" if stands.ahead == stands.by[most] else f"{stands.by[most]} of them "
    return f"{why} {first}, {by}{_LEADS[most]}."


def _what_if(fitting: Fitting, option: Option, probe: Job, shares: Shares) -> Iterator[WhatIf]:
    """The start if the asker's factor were another: what using less, or more, is worth."""
    weight = fitting.world.config.priority.weight_fair_share
    now = shares.factor(fitting.record(probe))
    if now is None or not weight:
        return
    for factor in dict.fromkeys((*(min(1.0, now * times) for times in TIMES), 1.0)):
        if factor == now:
            continue
        fits = fitting.fits(option.request, option.partition, raised=weight * (factor - now))
        told = option.told(fits.spread())
        said = f"With a fair share of {factor:.2f} in place of {now:.2f} it would start "
        yield WhatIf(
            factor, told.start, said + fitting.clock.starts(told.start, fitting.horizon_s) + "."
        )
