"""Waiting jobs whose priority follows age and fair share, in columns kept from period to period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from planner.sim.config import PriorityConfig
from planner.sim.fairshare import FloatArray
from planner.sim.priority import priorities
from planner.sim.queue import Pending, Record

_Item = TypeVar("_Item", bound=np.generic)


class Ageing:
    """Records of jobs that are not held, that may age, and whose priority nobody has fixed."""

    def __init__(self, config: PriorityConfig) -> None:
        self._config = config
        self._known: set[Pending] = set()
        self._records: list[Record] = []
        none = np.zeros(0, dtype=np.int64)
        self._from_s: FloatArray = np.zeros(0)
        self._fixed_weight: FloatArray = np.zeros(0)
        self._share, self._nice, self._site_factor, self._priority = none, none, none, none
        self._untold: tuple[FloatArray, FloatArray] | None = None  # age and fair share by record

    def follow(self, waiting: Iterable[Pending]) -> list[Pending]:
        """Drop those that left or are held, take in the new ones; answers those that do not age."""
        self._drop()
        others: list[Pending] = []
        new: list[Pending] = []
        for pending in waiting:
            if pending not in self._known:
                ages = pending.age_from_s is not None and pending.job.fixed_priority is None
                (new if ages else others).append(pending)
        if new:
            self._take_in(new)
        return others

    def price(self, fair_share: Sequence[float], now_s: float) -> bool:
        """``Pricing.price`` of all of them, operation by operation; whether any priority changed.

        ``fair_share``: by association. The records' own and their age are set by ``tell``.
        """
        config, age = self._config, np.zeros(len(self._records))
        if config.max_age_s > 0:
            age = np.minimum(1.0, np.maximum(0.0, (now_s - self._from_s) / config.max_age_s))
        shares = np.array([*fair_share, 0.0])[self._share]  # the last is nobody's
        weighted = config.weight_age * age + config.weight_fair_share * shares
        weighted = self._fixed_weight + weighted
        new = priorities(weighted, nice=self._nice, site_factor=self._site_factor)
        self._untold = age, shares
        for record, priority in zip(self._records, new.tolist(), strict=True):
            record.priority = priority
        changed = bool((new != self._priority).any())
        self._priority = new
        return changed

    def tell(self) -> None:
        """Let the records know what their priority is made of: nobody asks in most periods."""
        if self._untold is None:
            return
        age, shares = self._untold
        for record, one_age, share in zip(
            self._records, age.tolist(), shares.tolist(), strict=True
        ):
            record.age, record.fair_share = one_age, share
        self._untold = None

    def _drop(self) -> None:
        stays = np.array(
            [not one.pending.left and one.pending.held is None for one in self._records],
            dtype=np.bool_,
        )
        if stays.all():
            return
        self._records = [one for one, kept in zip(self._records, stays, strict=True) if kept]
        self._known = {one.pending for one in self._records}
        self._from_s, self._fixed_weight = self._from_s[stays], self._fixed_weight[stays]
        self._share, self._nice = self._share[stays], self._nice[stays]
        self._site_factor, self._priority = self._site_factor[stays], self._priority[stays]

    def _take_in(self, new: Sequence[Pending]) -> None:
        self._known.update(new)
        records = [record for pending in new for record in pending.records]
        jobs = [record.job for record in records]
        share = [-1 if record.share_index is None else record.share_index for record in records]
        self._records += records
        self._from_s = _joined(self._from_s, [record.pending.age_from_s for record in records])
        self._fixed_weight = _joined(self._fixed_weight, [one.fixed_weight for one in records])
        self._share = _joined(self._share, share)
        self._nice = _joined(self._nice, [job.nice for job in jobs])
        self._site_factor = _joined(self._site_factor, [job.site_factor for job in jobs])
        self._priority = _joined(self._priority, [record.priority for record in records])


def _joined(column: npt.NDArray[_Item], more: Sequence[object]) -> npt.NDArray[_Item]:
    return np.concatenate([column, np.array(more, dtype=column.dtype)])
