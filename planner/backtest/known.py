"""What was known of a trace at one instant: all that a forecasting method may see.

The arrays hold what had happened by then and nothing else: what lies behind a view in memory is
filled in as time passes (``planner.backtest.walk``), so no way leads from here to a later fact.
Of run times ``runs`` is asked, which looks at nothing later than a little before that instant.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.quantiles import Quantiles
from planner.runtimes import RunTimes
from planner.traces.jobs import Asked


@dataclass(frozen=True, slots=True)
class Running:
    asked: Asked
    start_s: float


@dataclass(frozen=True, slots=True)
class Waits:
    """Jobs that have started, oldest start first: read-only arrays of one length."""

    start_s: NDArray[np.float64]
    wait_s: NDArray[np.float64]
    procs: NDArray[np.float64]
    limit_s: NDArray[np.float64]
    partition: NDArray[np.int64]  # codes, see Known.partition_code
    user: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(frozen=True, slots=True)
class Ended:
    """Jobs that have ended, oldest end first: read-only arrays of one length."""

    end_s: NDArray[np.float64]
    run_s: NDArray[np.float64]
    procs: NDArray[np.float64]
    limit_s: NDArray[np.float64]
    partition: NDArray[np.int64]
    user: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.end_s)


@dataclass(frozen=True, slots=True)
class Known:
    """A trace as of ``now_s``, the instant in which ``target`` was submitted.

    A job is earlier than another where it was submitted before, or stands before it in the log.
    Of jobs later than the target nothing is known, even if they started in the same second.
    """

    now_s: float
    target: Asked
    processors: int | None  # of the machine
    pending: Sequence[Asked]  # earlier than the target and not started, in that order
    running: Sequence[Running]  # oldest start first
    waits: Waits
    ended: Ended
    runs: RunTimes = field(compare=False, repr=False)
    _partitions: Mapping[str, int] = field(repr=False)  # code by name, in order of appearance
    _users: Mapping[str, int] = field(repr=False)
    _most_at_once: Mapping[str, int] = field(repr=False)  # processors, by partition, until now
    _ended_of: Mapping[str, Sequence[int]] = field(repr=False)  # rows of ``ended``, by user

    def partition_code(self, name: str) -> int | None:
        """As in the arrays; None for a partition that nobody has submitted to yet."""
        return self._partitions.get(name)

    def user_code(self, name: str) -> int | None:
        """As in the arrays; None for a user of whom nothing has been seen."""
        return self._users.get(name)

    def last_runs_s(self, user: str, n: int) -> Sequence[float]:
        """Run times of the user's last ``n`` ended jobs, newest first; fewer where fewer ended."""
        rows = self._ended_of.get(user, ())
        known = bisect_left(rows, len(self.ended))
        return [float(self.ended.run_s[row]) for row in reversed(rows[max(0, known - n) : known])]

    def capacity(self, partition: str) -> int:
        """Processors of the partition's pool, never fewer than its target asks for.

        The machine's, as long as nobody has used a second partition; else the most that has run
        at once in it so far, since a log does not tell how the machine is divided.
        """
        asked = self.target.procs if partition == self.target.partition else 1
        if self.processors is not None and len({*self._partitions, partition}) == 1:
            return max(self.processors, asked)
        return max(self._most_at_once.get(partition, 0), asked)


class Method(Protocol):
    """A way to forecast. Stateless between calls, but for caches of what was known by then."""

    def forecast(self, target: Asked, known: Known) -> Quantiles | None:
        """Of the target's wait from ``known.now_s``, its submission, on; None: no answer."""
        ...
