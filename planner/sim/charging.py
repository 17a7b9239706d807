"""What running jobs are charged at the end of a calc period, in columns kept between periods."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from planner.sim.cluster import BoolArray, IntArray
from planner.sim.fairshare import FloatArray, ShareTree
from planner.sim.state import Running, moved


class Charging:
    """Of those that an association pays for, in the order in which they started."""

    def __init__(self, shares: ShareTree) -> None:
        self._shares = shares
        self._running: list[Running] = []
        self._index: IntArray = np.zeros(0, dtype=np.int64)
        self._from_s: FloatArray = np.zeros(0)
        self._billing: FloatArray = np.zeros(0)
        self._factor: FloatArray = np.zeros(0)

    def charge(self, running: Collection[Running], charged_until_s: float, now_s: float) -> None:
        """Bring the tree up to now, one after the other; all are in it up to ``charged_until_s``,
        or to when they started if that is later.
        """
        self._follow(running)
        elapsed_s = now_s - np.maximum(self._from_s, charged_until_s)
        used = elapsed_s * self._billing * self._factor
        paid = self._index >= 0
        used = np.where(elapsed_s > 0, used, 0.0)[paid]
        self._shares.charge_all(self._index[paid], used)

    def _follow(self, running: Collection[Running]) -> None:
        stays, new = moved(self._running, running)
        if not stays.all():
            self._keep(stays)
        self._running = list(running)
        records = [one.record for one in new]
        indices = [-1 if one.share_index is None else one.share_index for one in records]
        self._index = np.append(self._index, np.array(indices, dtype=np.int64))
        self._from_s = np.append(self._from_s, [one.charged_from_s for one in new])
        self._billing = np.append(self._billing, [one.amounts["billing"] for one in new])
        self._factor = np.append(self._factor, [one.usage_factor for one in records])

    def _keep(self, stays: BoolArray) -> None:
        self._index, self._from_s = self._index[stays], self._from_s[stays]
        self._billing, self._factor = self._billing[stays], self._factor[stays]
