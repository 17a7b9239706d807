"""Jobs that would have gone before: whose start a hypothetical job of lower rank must wait for."""

from __future__ import annotations

import numpy as np

from planner.futures.ahead import Ahead
from planner.futures.future import PARTITION, FloatArray, Future
from planner.futures.segments import milliseconds
from planner.futures.usage import Usage
from planner.sim.cluster import BoolArray, IntArray
from planner.sim.queue import Record


class Turns:
    """Jobs that come first, wait for nodes of the same partition, and ask for no more of anything:
    what stands in their way, such as the plan for a larger job, stands in the way of the record."""

    def __init__(self, future: Future, usage: Usage, ahead: Ahead, record: Record) -> None:
        easier = ahead.is_first & future.for_nodes & (future.start_s > 0)
        easier &= usage.named(PARTITION, record.partition.name) & usage.no_more_than(record)
        self._limit_s: FloatArray = future.limit_s[easier]
        self._join_ms = milliseconds(np.maximum(future.submit_s[easier], 0.0))
        self.start_ms: IntArray = milliseconds(future.start_s[easier])

    def is_open(self, at_ms: IntArray, limit_s: float) -> BoolArray:
        """Whether none of them waits at each time that is no longer than the limit."""
        shorter = self._limit_s <= limit_s
        joined = np.searchsorted(np.sort(self._join_ms[shorter]), at_ms, side="right")
        left = np.searchsorted(np.sort(self.start_ms[shorter]), at_ms, side="right")
        found: BoolArray = joined <= left
        return found
