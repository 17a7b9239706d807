"""One replica as it went: who held which nodes from when to when, and how each job ranked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.jobs import Key
from planner.sim.occupancy import Allocation

FloatArray = NDArray[np.float64]
PARTITION, USER, ACCOUNT, QOS = range(4)  # columns of Future.names_of


@dataclass(frozen=True, slots=True)
class Bar:
    """One run of one job. Seconds from the origin; the nodes by their places in the world."""

    key: Key | None  # None: a job that is to come, drawn from history
    partition: str
    user: str
    account: str
    qos: str
    submit_s: float
    start_s: float
    end_s: float
    limit_s: float
    priority: float  # as it started; infinite: it ran at the origin
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Future:
    """Every run that overlaps the time from the origin to ``known_until_s``, one row each, those at
    the origin first, then by start. A job that was preempted and ran again has two.

    Seconds from the origin. What started before ``known_until_s`` is followed to its end; nothing
    is known of starts after it.
    """

    replica: int
    horizon_s: float
    known_until_s: float
    keys: tuple[str | None, ...]
    names: tuple[str, ...]
    names_of: IntArray  # rows x 4: places in names of partition, user, account and QOS
    submit_s: FloatArray
    start_s: FloatArray
    end_s: FloatArray
    limit_s: FloatArray
    priority: FloatArray
    for_nodes: BoolArray  # it waited for nodes or its turn, and for nothing of its own
    row_of: IntArray  # of each entry of held, in order
    held: Allocation

    def __len__(self) -> int:
        return len(self.keys)

    def bars(self) -> Iterator[Bar]:
        """Row by row."""
        if not self.keys:
            return
        nodes = np.split(self.held.nodes, np.searchsorted(self.row_of, np.arange(1, len(self))))
        times = zip(
            self.submit_s.tolist(),
            self.start_s.tolist(),
            self.end_s.tolist(),
            self.limit_s.tolist(),
            self.priority.tolist(),
            strict=True,
        )
        for key, places, row, on in zip(
            self.keys, self.names_of.tolist(), times, nodes, strict=True
        ):
            partition, user, account, qos = (self.names[place] for place in places)
            yield Bar(key, partition, user, account, qos, *row, tuple(on.tolist()))
