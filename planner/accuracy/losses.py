"""What a row costs: one number per row, nan where nothing was said or the wait is censored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from planner.accuracy.scored import LEVELS, FloatArray, Scored

Loss = Callable[[Scored], FloatArray]


def error_s(scored: Scored) -> FloatArray:
    """Middle estimate less actual: above 0 where the start came earlier than was said."""
    return np.where(scored.is_censored, np.nan, scored.p50_s - scored.actual_s)


def absolute_error_s(scored: Scored) -> FloatArray:
    return np.abs(error_s(scored))


def pinball_s(scored: Scored) -> FloatArray:
    """Mean over LEVELS of the quantile loss (Koenker and Bassett, 1978), in seconds.

    The true quantiles have the least expected loss. nan unless all three were said.
    """
    return _pinball(scored, scored.quantiles, scored.actual_s)


def pinball_log(scored: Scored) -> FloatArray:
    """The same of log(1 + wait): a factor too long costs alike for short and for long waits."""
    return _pinball(scored, np.log1p(scored.quantiles), np.log1p(scored.actual_s))


def is_within_factor_2(scored: Scored) -> FloatArray:
    """1 or 0: middle estimate and actual differ by at most a factor of two, five minutes added to
    both so that short waits are not judged by the second."""
    high = np.maximum(scored.p50_s, scored.actual_s) + 300.0
    low = np.minimum(scored.p50_s, scored.actual_s) + 300.0
    return np.where(np.isnan(error_s(scored)), np.nan, high / low <= 2.0)


def is_within(scored: Scored, tolerance_s: float) -> FloatArray:
    """1 or 0: the middle estimate was off by at most ``tolerance_s``."""
    off_s = absolute_error_s(scored)
    return np.where(np.isnan(off_s), np.nan, off_s <= tolerance_s)


def _pinball(scored: Scored, quantiles: FloatArray, actual: FloatArray) -> FloatArray:
    levels = np.array(LEVELS)[:, np.newaxis]
    short = actual - quantiles  # what the quantile falls short by
    loss = np.maximum(levels * short, (levels - 1.0) * short).mean(axis=0)
    return np.where(scored.is_censored, np.nan, loss)
