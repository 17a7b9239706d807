"""The figures of one method on one set of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.accuracy import losses
from planner.accuracy.coverage import Coverage, within_p90_randomised
from planner.accuracy.scored import BoolArray, FloatArray, Scored, require_same_rows


@dataclass(frozen=True, slots=True)
class Score:
    """None: no row tells. Errors, losses and shares "within" are over the ``n_compared`` rows;
    coverage takes censored rows in (``planner.accuracy.coverage``)."""

    n: int
    n_censored: int
    n_compared: int  # answered and started
    answer_rate: float | None  # share of rows with a middle estimate
    median_ae_s: float | None
    mae_s: float | None
    bias_s: float | None  # median of middle estimate less actual: above 0 is too late
    pinball: float | None  # seconds, mean over .1 .5 .9
    pinball_log: float | None  # of log(1 + wait)
    within_factor_2: float | None
    within_1_min: float | None
    within_10_min: float | None
    within_60_min: float | None
    coverage_p50: float | None
    coverage_p90: float | None
    coverage_p90_randomised: float | None
    width_p90_s: float | None  # mean of the 90 % bound
    width_80_s: float | None  # mean of p90 less p10


def score(scored: Scored, rng: np.random.Generator) -> Score:
    """``rng`` decides ties in the randomised coverage, and nothing else."""
    within_p90 = within_p90_randomised(scored, rng)
    return Score(
        n=len(scored),
        n_censored=int(scored.is_censored.sum()),
        n_compared=int((scored.is_answered & ~scored.is_censored).sum()),
        answer_rate=_mean(scored.is_answered.astype(np.float64)),
        median_ae_s=_median(losses.absolute_error_s(scored)),
        mae_s=_mean(losses.absolute_error_s(scored)),
        bias_s=_median(losses.error_s(scored)),
        pinball=_mean(losses.pinball_s(scored)),
        pinball_log=_mean(losses.pinball_log(scored)),
        within_factor_2=_mean(losses.is_within_factor_2(scored)),
        within_1_min=_mean(losses.is_within(scored, 60.0)),
        within_10_min=_mean(losses.is_within(scored, 600.0)),
        within_60_min=_mean(losses.is_within(scored, 3600.0)),
        coverage_p50=Coverage.of(scored, scored.p50_s).share(),
        coverage_p90=Coverage.of(scored, scored.p90_s).share(),
        coverage_p90_randomised=Coverage.of(scored, scored.p90_s, within_p90).share(),
        width_p90_s=_mean(scored.p90_s),
        width_80_s=_mean(scored.p90_s - scored.p10_s),
    )


def answered_by_all(methods: Sequence[Scored]) -> BoolArray:
    """The rows on which these methods can be compared."""
    require_same_rows(*methods)
    answered = methods[0].is_answered
    for method in methods[1:]:
        answered = answered & method.is_answered
    return answered


def _mean(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _median(values: FloatArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else None
