"""Forecasts of one method beside what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from planner.quantiles import Quantiles

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
LEVELS = (0.1, 0.5, 0.9)  # of p10_s, p50_s and p90_s


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One row per forecast, all arrays of one length; times are seconds after issue.

    ``day`` numbers the block that is drawn as a whole when intervals are made. Raises ValueError
    where arrays differ in length or an actual time is unknown or negative.
    """

    p10_s: FloatArray  # nan: not said
    p50_s: FloatArray
    p90_s: FloatArray
    actual_s: FloatArray
    is_censored: BoolArray  # it is only known that the start came after actual_s
    day: IntArray

    def __post_init__(self) -> None:
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        if set(shapes.values()) != {(len(self),)}:
            raise ValueError(f"arrays of one length are needed, got {shapes}")
        wrong = np.flatnonzero(~(self.actual_s >= 0.0))
        if wrong.size:
            row = int(wrong[0])
            raise ValueError(
                f"actual_s is {self.actual_s[row]} in row {row}; give 0 or more, "
                "and leave out rows of which nothing is known"
            )

    @classmethod
    def of(
        cls,
        said: Sequence[Quantiles | None],
        actual_s: npt.ArrayLike,
        is_censored: npt.ArrayLike,
        day: npt.ArrayLike,
    ) -> Scored:
        """None among ``said``: nothing was said of that row."""
        unsaid = Quantiles(None, None, None)
        table = np.array(
            [(q.p10_s, q.p50_s, q.p90_s) for q in (q or unsaid for q in said)], dtype=np.float64
        ).reshape(len(said), 3)
        p10_s, p50_s, p90_s = np.ascontiguousarray(table.T)
        return cls(
            p10_s,
            p50_s,
            p90_s,
            np.asarray(actual_s, dtype=np.float64),
            np.asarray(is_censored, dtype=np.bool_),
            np.asarray(day, dtype=np.int64),
        )

    def __len__(self) -> int:
        return int(self.actual_s.size)

    def take(self, rows: npt.NDArray[Any]) -> Scored:
        """The rows of a mask, or of indices in their order."""
        return Scored(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def quantiles(self) -> FloatArray:
        """3 x n, in the order of LEVELS."""
        return np.stack((self.p10_s, self.p50_s, self.p90_s))

    @property
    def is_answered(self) -> BoolArray:
        return ~np.isnan(self.p50_s)


def require_same_rows(*methods: Scored) -> None:
    """Raises ValueError unless all tell of the same jobs: methods are compared on one set only."""
    for other in methods[1:]:
        if not np.array_equal(methods[0].actual_s, other.actual_s):
            raise ValueError("methods are compared on the same rows, but their actual_s differ")
