"""Past forecasts of starts beside what came of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """One row per forecast, all arrays of one length; times are seconds, waits from the issue on.

    Raises ValueError where arrays differ in length or a wait is negative or unknown.
    """

    issued_s: FloatArray  # of any one origin
    p10_s: FloatArray  # as the model said it, before any calibration; nan: not said
    p50_s: FloatArray
    p90_s: FloatArray
    waited_s: FloatArray
    is_censored: BoolArray  # it is only known that the start came later than waited_s
    group: IntArray  # forecasts that are calibrated together: a partition, for example

    def __post_init__(self) -> None:
        shapes = {field.name: getattr(self, field.name).shape for field in fields(self)}
        if set(shapes.values()) != {(len(self),)}:
            raise ValueError(f"arrays of one length are needed, got {shapes}")
        wrong = np.flatnonzero(~(self.waited_s >= 0.0))
        if wrong.size:
            row = int(wrong[0])
            raise ValueError(
                f"waited_s is {self.waited_s[row]} in row {row}; give 0 or more, "
                "and leave out rows of which nothing is known"
            )

    def __len__(self) -> int:
        return int(self.waited_s.size)

    def take(self, rows: npt.NDArray[Any]) -> Told:
        """The rows of a mask, or of indices in their order."""
        return Told(*(getattr(self, field.name)[rows] for field in fields(self)))

    def as_of(self, now_s: float) -> Told:
        """Complete forecasts issued by then; one whose outcome came later waits still."""
        said = ~np.isnan(self.quantiles_s).any(axis=0)
        told = self.take((self.issued_s <= now_s) & said)
        age_s = now_s - told.issued_s
        return replace(
            told,
            waited_s=np.minimum(told.waited_s, age_s),
            is_censored=told.is_censored | (told.waited_s > age_s),
        )

    @property
    def quantiles_s(self) -> FloatArray:
        """3 x n: p10, p50, p90."""
        return np.stack((self.p10_s, self.p50_s, self.p90_s))
