"""How far starts lie apart: of the model and of Slurm, and of two runs of Slurm. Arrays in, figures
out; the rows of all arrays are the jobs that started in every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
REPLICATES = 2000
LEAST_S = 0.5  # a median below it is none to divide by: times are whole seconds


@dataclass(frozen=True, slots=True)
class Interval:
    """Of 90 % of the replicates."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Apart:
    """Two sets of starts of the same jobs; the second is what happened, or another run."""

    name: str
    submits_s: tuple[Floats, Floats]
    starts_s: tuple[Floats, Floats]

    @property
    def gaps_s(self) -> Floats:
        return self.starts_s[0] - self.starts_s[1]

    @property
    def waits_s(self) -> tuple[Floats, Floats]:
        (first, second), (submit, other) = self.starts_s, self.submits_s
        return first - submit, second - other

    @property
    def median_s(self) -> float:
        return float(np.median(np.abs(self.gaps_s)))

    @property
    def mean_s(self) -> float:
        return float(np.mean(np.abs(self.gaps_s)))

    @property
    def bias_s(self) -> float:
        return float(np.mean(self.gaps_s))

    @property
    def mean_wait_off(self) -> float:
        """Of the first, relative to the second's."""
        return float(self.waits_s[0].mean() / self.waits_s[1].mean() - 1)

    def within(self, seconds: float) -> float:
        return float(np.mean(np.abs(self.gaps_s) <= seconds))

    def rank_correlation(self, rows: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Spearman's, of starts and of waits, over these rows."""
        return (
            spearman(self.starts_s[0][rows], self.starts_s[1][rows]),
            spearman(self.waits_s[0][rows], self.waits_s[1][rows]),
        )


def spearman(one: Floats, other: Floats) -> float:
    """nan where one of them does not vary."""
    first, second = _ranks(one), _ranks(other)
    if len(one) < 2 or not first.std() or not second.std():
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Floats) -> Floats:
    """From 0; those that tie share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - (counts + 1) / 2)[place]).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Primary:
    """The median gap of the model over all runs, that of Slurm over all pairs of runs, and the
    model's in Slurm's."""

    model_s: float
    slurm_s: float
    model_within: Interval
    slurm_within: Interval
    ratio_within: Interval

    @property
    def ratio(self) -> float:
        return self.model_s / max(self.slurm_s, LEAST_S)


def primary(
    model: Sequence[Apart], slurm: Sequence[Apart], group: Ints, rng: np.random.Generator
) -> Primary:
    """``group`` tells which submission a job came with: jobs of one move together, so submissions
    are drawn, and with them runs and pairs of runs."""
    ours = np.abs([apart.gaps_s for apart in model])
    theirs = np.abs([apart.gaps_s for apart in slurm])
    rows_of = [np.flatnonzero(group == one) for one in np.unique(group)]
    drawn = np.empty((REPLICATES, 2))
    for replicate in drawn:
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        for place, gaps_s in enumerate((ours, theirs)):
            of = rng.integers(len(gaps_s), size=len(gaps_s))
            replicate[place] = np.median(gaps_s[np.ix_(of, rows)])
    ratios = drawn[:, 0] / np.maximum(drawn[:, 1], LEAST_S)
    return Primary(
        float(np.median(ours)),
        float(np.median(theirs)),
        *(_interval(values) for values in (drawn[:, 0], drawn[:, 1], ratios)),
    )


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, (0.05, 0.95))
    return Interval(float(low), float(high))
