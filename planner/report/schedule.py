"""A schedule to be told of: jobs, what they asked for, and when they started."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """Arrays of one length, in order of submission; times in seconds of one origin."""

    job_ids: NDArray[np.int64] | NDArray[np.str_]
    submit_s: FloatArray
    start_s: FloatArray
    run_s: FloatArray
    limit_s: FloatArray
    procs: IntArray
    processors: int  # of the machine

    @property
    def wait_s(self) -> FloatArray:
        return self.start_s - self.submit_s

    @property
    def end_s(self) -> FloatArray:
        return self.start_s + self.run_s
