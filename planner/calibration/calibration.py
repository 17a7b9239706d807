"""Shifts of quantiles that would have made past forecasts keep their promise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from planner.calibration.survival import weighted_quantile
from planner.calibration.told import FloatArray, Told
from planner.quantiles import Quantiles

LEVELS = (0.1, 0.5, 0.9)
HALF_LIFE = 500  # forecasts after which one counts half: queues change
FEWEST = 20  # outcomes: with fewer nothing is shifted
# A group's own shift counts as its outcomes, that of all as if it had so many.
SHRINKAGE = 50.0

Shifts = tuple[float, float, float]  # of log(1 + wait), by LEVELS


@dataclass(frozen=True, slots=True)
class Record:
    """What was learnt of a group, or of all."""

    n: int  # forecasts with an outcome
    coverage_before: float | None  # share of them that started by the bound that was told
    shifts: Shifts

    @property
    def factor(self) -> float:
        """What the 90 % bound is multiplied with, one second added to it before."""
        return float(np.exp(self.shifts[2]))


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
        told = told.take(np.argsort(told.issued_s, kind="stable"))
        weights = 0.5 ** (np.arange(len(told))[::-1] / HALF_LIFE)
        pooled = _learnt(told, weights, within=None)
        groups = {
            int(code): _learnt(told.take(told.group == code), weights[told.group == code], pooled)
            for code in np.unique(told.group)
        }
        return cls(pooled, groups)

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
                least_s = max(least_s, float(np.expm1(np.log1p(said_s) + shift)))
            corrected.append(None if said_s is None else least_s)
        return Quantiles(*corrected)


def _learnt(told: Told, weights: FloatArray, within: Record | None) -> Record:
    seen = int((~told.is_censored).sum())
    coverage = float((told.waited_s <= told.p90_s)[~told.is_censored].mean()) if seen else None
    wider: Shifts = (0.0, 0.0, 0.0) if within is None else within.shifts
    if seen < FEWEST:
        return Record(seen, coverage, wider)
    own = [
        _shift(told, said_s, weights, level)
        for said_s, level in zip(told.quantiles_s, LEVELS, strict=True)
    ]
    share = 1.0 if within is None else seen / (seen + SHRINKAGE)
    p10, p50, p90 = (
        share * one + (1.0 - share) * all_ for one, all_ in zip(own, wider, strict=True)
    )
    return Record(seen, coverage, (p10, p50, p90))


def _shift(told: Told, said_s: FloatArray, weights: FloatArray, level: float) -> float:
    residual = np.log1p(told.waited_s) - np.log1p(said_s)
    found = weighted_quantile(residual, told.is_censored, weights, level)
    return 0.0 if found is None else found
