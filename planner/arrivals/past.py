"""The submissions of a cluster as far as they are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class PastSubmissions:
    """Arrays of one length, oldest submission first; times in seconds of one origin."""

    submit_s: FloatArray
    row: IntArray  # of the caller's, who knows what was submitted
    since_s: float  # from then on every submission is known

    @classmethod
    def of(cls, submit_s: FloatArray, since_s: float | None = None) -> PastSubmissions:
        """Rows in any order. ``since_s`` None: from when a hundredth of them had come.

        A window of accounting also holds a few jobs that came before it and ended within: were
        they the beginning, the days until it would seem quiet.
        """
        row = np.argsort(submit_s, kind="stable").astype(np.int64)
        ordered_s = np.asarray(submit_s, dtype=np.float64)[row]
        if since_s is None:
            since_s = float(ordered_s[ordered_s.size // 100]) if ordered_s.size else np.inf
        return cls(ordered_s, row, since_s)

    def between(self, first_s: float, last_s: float) -> PastSubmissions:
        """Those from ``first_s`` to ``last_s``, of the time that is known."""
        first_s = max(first_s, self.since_s)
        low = int(np.searchsorted(self.submit_s, first_s, side="left"))
        high = int(np.searchsorted(self.submit_s, last_s, side="right"))
        return PastSubmissions(self.submit_s[low:high], self.row[low:high], first_s)

    def count(self, first_s: FloatArray | float, last_s: FloatArray | float) -> FloatArray:
        """How many came after ``first_s`` and up to ``last_s``."""
        first, last = (np.searchsorted(self.submit_s, at_s, "right") for at_s in (first_s, last_s))
        return np.asarray(last - first, dtype=np.float64)
