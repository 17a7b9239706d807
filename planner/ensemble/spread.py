"""What replicas say of each job, in the words that people are told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.ensemble.starts import FloatArray, Starts, quantiles
from planner.quantiles import Quantiles
from planner.sim.jobs import Key

SOON_S = 600.0
LEVELS = ("p10", "p50", "p90")


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds from the origin. A start is None if not told, or beyond the horizon: then its level
    is named. Of one replica P50 alone is told."""

    start: Quantiles
    finish: Quantiles
    later_than_horizon: tuple[str, ...]  # levels of the start
    p_within_10_min: float | None


class Spread:
    """Of all jobs of the replicas."""

    def __init__(self, starts: Starts) -> None:
        self._place_of = {key: place for place, key in enumerate(starts.keys)}
        self._start_s = quantiles(starts.start_s)
        self._end_s = quantiles(starts.end_s)
        self._soon = (starts.start_s <= SOON_S).mean(axis=0)
        self._is_one = starts.replicas == 1

    def told(self, key: Key) -> Told | None:
        """None: it is none of the jobs, or waiting alone does not start it."""
        place = self._place_of.get(key)
        if place is None or np.isnan(self._start_s[1, place]):
            return None
        start_s = self._start_s[:, place].tolist()
        said = ("p50",) if self._is_one else LEVELS
        return Told(
            start=self._quantiles(self._start_s[:, place]),
            finish=self._quantiles(self._end_s[:, place]),
            later_than_horizon=tuple(
                level
                for level, at_s in zip(LEVELS, start_s, strict=True)
                if level in said and np.isposinf(at_s)
            ),
            p_within_10_min=None if self._is_one else float(self._soon[place]),
        )

    def _quantiles(self, of_s: FloatArray) -> Quantiles:
        p10_s, p50_s, p90_s = (at_s if np.isfinite(at_s) else None for at_s in of_s.tolist())
        return Quantiles(None, p50_s, None) if self._is_one else Quantiles(p10_s, p50_s, p90_s)
