"""Rows for the tests of accuracy: a world whose true quantiles are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.accuracy import Scored
from planner.quantiles import Quantiles

MEAN_WAIT_S = 3600.0


def rows(
    said: Sequence[Quantiles | None], actual_s: Sequence[float], censored: Sequence[int] = ()
) -> Scored:
    """``censored``: row numbers. Each row is a day of its own."""
    n = len(said)
    return Scored.of(said, actual_s, np.isin(np.arange(n), censored), np.arange(n))


def points(predicted_s: Sequence[float], actual_s: Sequence[float]) -> Scored:
    return rows([Quantiles.point(s) for s in predicted_s], actual_s)


def calibrated(n: int, rng: np.random.Generator, days: int = 50) -> Scored:
    """Exponential waits, each of a scale of its own, told by their true quantiles."""
    scale_s = rng.exponential(MEAN_WAIT_S, n) + 60.0
    p10_s, p50_s, p90_s = (-np.log(1.0 - level) * scale_s for level in (0.1, 0.5, 0.9))
    return Scored(
        p10_s,
        p50_s,
        p90_s,
        rng.exponential(scale_s),
        np.zeros(n, dtype=np.bool_),
        rng.integers(0, days, n),
    )
