"""Shifts of quantiles that would have made past forecasts keep their promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from planner.calibration.shift import UNCHANGED, Shift, learnt
from planner.calibration.told import FloatArray, Told
from planner.calibration.tracking import tracked
from planner.quantiles import Quantiles

LEVELS = (0.1, 0.5, 0.9)
HALF_LIFE = 500  # forecasts after which one counts half: queues change
NEWEST = 3_000  # forecasts that are looked at; the next one would count a 64th
FEWEST = 20  # outcomes: with fewer nothing is shifted
# A group's own shift counts as the instants that its outcomes were forecast at, that of all as if
# it had so many, and that of all beside none likewise: forecasts of one instant err together. In
# four campaigns of 20 minutes on a real Slurm, some hundred of them at a few dozen instants, shifts
# that counted in full made the loss larger.
SHRINKAGE = 50.0
# Of the shifts of p10 and p50 for a learner, which says waits that were seen and is mostly right by
# itself. All of them lose 2 to 6 % more on three of four public logs, where they follow what was
# chance; the fourth (KTH SP2) wants them.
CORRECTED = 2 / 3

Shifts = tuple[Shift, Shift, Shift]  # by LEVELS


@dataclass(frozen=True, slots=True)
class Record:
    """What was learnt of a group, or of all."""

    n: int  # forecasts with an outcome
    shifts: Shifts

    def lightly(self, p90_by: float) -> Record:
        """Part of the shifts of p10 and p50, and that one at every p90."""
        p10, p50, _ = (shift.mixed(UNCHANGED, CORRECTED) for shift in self.shifts)
        return Record(self.n, (p10, p50, Shift((0.0,), (p90_by,))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """How to correct a forecast. Fitted on forecasts as the model made them, never on corrected
    ones."""

    pooled: Record
    by_group: Mapping[int, Record] = field(default_factory=dict)

    @classmethod
    def fit(cls, told: Told, now_s: float) -> Calibration:
        """From what was known of them by ``now_s``, whatever ``told`` knows of later."""
        told = told.as_of(now_s)
        told = told.take(np.argsort(told.issued_s, kind="stable")[-NEWEST:])
        weights = 0.5 ** (np.arange(len(told))[::-1] / HALF_LIFE)
        pooled = _learnt(told, weights, within=None)
        groups = {
            int(code): _learnt(told.take(told.group == code), weights[told.group == code], pooled)
            for code in np.unique(told.group)
        }
        return cls(pooled, groups)

    @classmethod
    def fit_learner(cls, told: Told, now_s: float) -> Calibration:
        """For what a learner said: corrected in part, and p90 led by whether the last ones held."""
        full, p90_by = cls.fit(told, now_s), tracked(told, now_s)
        return cls(
            full.pooled.lightly(0.0),
            {code: one.lightly(p90_by.get(code, 0.0)) for code, one in full.by_group.items()},
        )

    def of(self, group: int) -> Record:
        """The group's; that of all for one never seen."""
        return self.by_group.get(group, self.pooled)

    def apply(self, said: Quantiles, group: int) -> Quantiles:
        """What is unsaid stays so; the rest is never negative and rises from level to level."""
        corrected: list[float | None] = []
        least_s = 0.0
        for said_s, shift in zip(
            (said.p10_s, said.p50_s, said.p90_s), self.of(group).shifts, strict=True
        ):
            if said_s is not None:
                log_said = float(np.log1p(said_s))
                least_s = max(least_s, float(np.expm1(log_said + shift.at(log_said))))
            corrected.append(None if said_s is None else least_s)
        return Quantiles(*corrected)


def _learnt(told: Told, weights: FloatArray, within: Record | None) -> Record:
    seen = ~told.is_censored
    n = int(seen.sum())
    wider = (UNCHANGED, UNCHANGED, UNCHANGED) if within is None else within.shifts
    if n < FEWEST:
        return Record(n, wider)
    looks = np.unique(told.issued_s[seen]).size
    share = looks / (looks + SHRINKAGE)
    p10, p50, p90 = (
        learnt(said_s, told.waited_s, told.is_censored, weights, level).mixed(other, share)
        for said_s, level, other in zip(told.quantiles_s, LEVELS, wider, strict=True)
    )
    return Record(n, (p10, p50, p90))
