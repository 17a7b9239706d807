"""What running jobs hold, entry by entry, kept from cycle to cycle: most of them still run."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray
from planner.sim.occupancy import Allocation, joined, nothing
from planner.sim.state import Running, moved


class Roster:
    """Jobs in the order of ``State.running``. Job j has the entries from ``begins[j]`` on."""

    def __init__(self, gpu_types: int) -> None:
        self.held = nothing(gpu_types)
        self._running: list[Running] = []
        self.ends_s: FloatArray = np.zeros(0)  # by their limits as they started
        self._sizes = np.zeros(0, dtype=np.int64)

    @property
    def begins(self) -> IntArray:
        return np.concatenate([[0], np.cumsum(self._sizes)])

    def follow(self, running: Collection[Running]) -> None:
        """Drop those that run no longer and append the new ones: so does the order change."""
        stays, new = moved(self._running, running)
        if not stays.all():
            self._keep(stays)
        if new:
            self._running += new
            self.held = joined([self.held, *(one.allocation for one in new)])
            sizes = np.array([len(one.allocation.nodes) for one in new], dtype=np.int64)
            self._sizes = np.concatenate([self._sizes, sizes])
            self.ends_s = np.append(self.ends_s, [one.start_s + one.limit_s for one in new])

    def _keep(self, stays: BoolArray) -> None:
        entries = np.repeat(stays, self._sizes)
        held = self.held
        self.held = Allocation(
            *(column[entries] for column in (held.nodes, held.cpus, held.mem_mib, held.gpus))
        )
        self._running = [one for one, kept in zip(self._running, stays, strict=True) if kept]
        self._sizes, self.ends_s = self._sizes[stays], self.ends_s[stays]
