"""Which jobs of a future come before a hypothetical one, and from when on they bind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.futures.future import PARTITION, FloatArray, Future
from planner.sim.cluster import BoolArray, IntArray, World
from planner.sim.config import PriorityConfig
from planner.sim.needs import Grain
from planner.sim.priority import MAX_PRIORITY
from planner.sim.queue import Record

# Jobs submitted after an instant cannot keep a job from starting at it, but backfill plans nodes
# for those that wait, and who takes these nodes in the end is often submitted later. So later ones
# count as well while those that wait want more than this share of the nodes. In two GPU worlds and
# a pool this share left the least bias of 0, 0.1, 0.2, 0.3, 0.5 and 1; without this the P50 of six
# in ten probes came near that of insertion, with it of seven to eight.
CROWDED = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """By job of the future."""

    is_first: BoolArray  # it ranks higher than the hypothetical job when it starts
    binds_from_s: FloatArray  # a start of the hypothetical job before this disregards it


class Line:
    """The jobs of one future as they stood in line."""

    def __init__(self, world: World, future: Future) -> None:
        self._future, self._nodes, self._priority = future, world.nodes, world.config.priority
        tier_of = {one.name: one.priority_tier for one in world.partitions}
        tiers = np.array([tier_of.get(name, 0) for name in future.names], dtype=np.int64)
        self._tier = tiers[future.names_of[:, PARTITION]]
        self.place: IntArray = np.empty(len(future), dtype=np.int64)
        order = np.lexsort((future.submit_s, -future.priority, -self._tier))
        self.place[order] = np.arange(len(future))
        # Each joins and leaves those that wait; at one instant they leave first.
        self._waited = np.flatnonzero(future.start_s > 0)
        submit_s, start_s = future.submit_s[self._waited], future.start_s[self._waited]
        moved_s = np.append(np.maximum(submit_s, 0.0), start_s)
        is_join = np.repeat((True, False), len(self._waited))
        self._moves = np.lexsort((is_join, moved_s))
        self._moved_s = moved_s[self._moves]

    def ahead_of(self, record: Record, fair_share: float, eligible_s: float) -> Ahead:
        is_first = self._outrank(record, fair_share, eligible_s)
        begins_s, is_crowded = self._crowds(is_first, record.need.grain)
        submit_s = self._future.submit_s
        place = np.searchsorted(self._moved_s, submit_s, side="right") - 1
        crowded = (place >= 0) & is_crowded[place] if len(is_crowded) else np.zeros_like(is_first)
        binds_from_s = submit_s.copy()
        if begins_s.size:
            since = np.searchsorted(begins_s, submit_s[crowded], side="right") - 1
            binds_from_s[crowded] = begins_s[since]
        return Ahead(is_first, binds_from_s)

    def _outrank(self, record: Record, fair_share: float, eligible_s: float) -> BoolArray:
        """PriorityTier, priority, then submit time, as each started."""
        future, tier = self._future, record.partition.priority_tier
        own = priority_at(record, fair_share, eligible_s, future.start_s, self._priority)
        is_same = (future.priority == own) & (future.submit_s <= record.job.submit_s)
        is_first = (self._tier == tier) & ((future.priority > own) | is_same)
        found: BoolArray = is_first | (self._tier > tier) | np.isposinf(future.priority)
        return found

    def _crowds(self, is_first: BoolArray, grain: Grain) -> tuple[FloatArray, BoolArray]:
        """When each time begins in which those ahead that wait want too many of the nodes; and
        whether one is under way after each move."""
        future, nodes = self._future, grain.mask & self._nodes.usable_in_plan
        taken = np.bincount(future.row_of, nodes[future.held.nodes], minlength=len(future))
        wanted = np.where(is_first, taken, 0.0)[self._waited]
        waiting = np.cumsum(np.append(wanted, -wanted)[self._moves])
        is_crowded = waiting > CROWDED * nodes.sum()
        begins = np.flatnonzero(is_crowded & ~np.append(False, is_crowded[:-1]))
        return self._moved_s[begins], is_crowded


def priority_at(
    record: Record, fair_share: float, eligible_s: float, at_s: FloatArray, config: PriorityConfig
) -> FloatArray:
    """Priority of the record at each time, as of the calc period before. Age alone changes: the
    user's fair share is taken to stay what it is at the origin.
    """
    job, period_s = record.job, config.calc_period_s
    if job.fixed_priority is not None:
        return np.full(at_s.shape, float(job.fixed_priority))
    priced_s = config.last_calc_s + np.floor((at_s - config.last_calc_s) / period_s) * period_s
    age = np.zeros(at_s.shape)
    if config.max_age_s > 0:
        age_from_s = eligible_s if job.age_from_s is None else job.age_from_s
        age = np.clip((priced_s - age_from_s) / config.max_age_s, 0.0, 1.0)
    weighted = record.fixed_weight + config.weight_age * age + config.weight_fair_share * fair_share
    return np.clip(np.trunc(weighted + job.site_factor - job.nice), 1.0, MAX_PRIORITY)
