"""What is known as a wait is foretold: of the job, its pool, its queue, and those before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planner.quantiles import Quantiles

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RunningJobs:
    """Arrays of one length, in any order. Times in seconds."""

    procs: FloatArray
    left_limit_s: FloatArray  # until the limit, at least 0
    left_run_s: FloatArray  # until the end as expected
    is_own: BoolArray  # of the user of the job in question


@dataclass(frozen=True, slots=True, eq=False)
class WaitingJobs:
    """Oldest submission first."""

    procs: FloatArray
    limit_s: FloatArray
    run_s: FloatArray  # as expected
    age_s: FloatArray  # since the submission
    is_own: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class StartedJobs:
    """The newest starts, oldest first."""

    ago_s: FloatArray
    wait_s: FloatArray
    procs: FloatArray
    is_own: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """As of ``now_s``, a job that has just been submitted; all others are of its partition."""

    now_s: float  # a multiple of a day is midnight
    procs: float
    limit_s: float
    run_s: float  # as expected
    room: float  # processors of the partition, free and busy
    running: RunningJobs
    waiting: WaitingJobs  # before it
    started: StartedJobs
    said: Mapping[str, Quantiles | None]  # what others foretell, by their names
