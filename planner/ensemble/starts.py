"""First starts by replica, and what their spread says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.sim.jobs import Key

FloatArray = NDArray[np.float64]
LEVELS = np.array([0.1, 0.5, 0.9])

# Quantiles of two halves of the replicas that are no further apart say the same to a person.
SAME_S = 60.0
SAME_SHARE = 0.1
STABLE_SHARE = 0.9  # of the jobs
_FAR_S = 1e12  # in place of infinity, which has no distance from itself


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """When each waiting job first starts, and is over if it then runs on undisturbed; in seconds
    from the origin, one row a replica, one column a job.

    Infinite: later than the horizon. nan: waiting alone does not start it.
    """

    keys: tuple[Key, ...]
    start_s: FloatArray
    end_s: FloatArray

    @property
    def replicas(self) -> int:
        return int(self.start_s.shape[0])

    def together(self, groups: Iterable[Sequence[Key]]) -> Starts:
        """As if the jobs of a group started at once, with the last of them."""
        place_of = {key: place for place, key in enumerate(self.keys)}
        start_s, end_s = self.start_s.copy(), self.end_s.copy()
        for group in groups:
            places = [place_of[key] for key in group if key in place_of]
            if len(places) > 1:
                last_s = start_s[:, places].max(axis=1, keepdims=True)
                with np.errstate(invalid="ignore"):  # infinite less infinite: still infinite
                    end_s[:, places] += last_s - start_s[:, places]
                end_s[:, places] = np.where(np.isfinite(last_s), end_s[:, places], last_s)
                start_s[:, places] = last_s
        return Starts(self.keys, start_s, end_s)


def joined(batches: Sequence[Starts]) -> Starts:
    """The replicas of batches of one world, in the order given. ValueError on different jobs."""
    keys = batches[0].keys
    if any(batch.keys != keys for batch in batches):
        raise ValueError("batches of different jobs; join those of one snapshot only")
    return Starts(
        keys,
        np.concatenate([batch.start_s for batch in batches]),
        np.concatenate([batch.end_s for batch in batches]),
    )


def quantiles(values: FloatArray) -> FloatArray:
    """P10, P50, P90 of each column; infinite as soon as an infinite value has a part in it.

    Of n values the k-th stands for the share k / (n + 1), linear in between (type 6 of Hyndman and
    Fan, 1996): one more value of their kind lies above P90 once in ten times, with 9 and more.
    A column with numbers takes its nan as infinite; one without has none to give but nan.
    """
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    n = values.shape[0]
    place = np.clip(LEVELS * (n + 1) - 1, 0, n - 1)
    below = np.floor(place).astype(np.int64)
    above = np.ceil(place).astype(np.int64)
    low, high = ordered[below], ordered[above]
    part = (place - below)[:, np.newaxis]
    with np.errstate(invalid="ignore"):  # no part of infinity
        found = np.where(part > 0, (1.0 - part) * low + part * high, low)
    return np.where(np.isnan(values).all(axis=0), np.nan, found)


def is_stable(starts: Starts) -> bool:
    """Whether more replicas would hardly move P50 and P90: those of the even and of the odd
    replicas agree for most jobs. Never with fewer than four.
    """
    if starts.replicas < 4:
        return False
    start_s = starts.start_s[:, ~np.isnan(starts.start_s).all(axis=0)]
    one, other = (np.minimum(quantiles(half)[1:], _FAR_S) for half in (start_s[::2], start_s[1::2]))
    same = np.abs(one - other) <= np.maximum(SAME_S, SAME_SHARE * np.maximum(one, other))
    return bool(same.all(axis=0).mean() >= STABLE_SHARE) if start_s.shape[1] else True
