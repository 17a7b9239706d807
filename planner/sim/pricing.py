"""What usage and waiting are worth now: the share tree in time, and the price of each record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf

from planner.sim.ageing import Ageing
from planner.sim.charging import Charging
from planner.sim.cluster import World
from planner.sim.fairshare import ShareTree, decay_factor
from planner.sim.priority import age_factor, priority
from planner.sim.queue import Pending, Record
from planner.sim.state import Running


class Pricing:
    """Usage is charged to the tree and the tree is ranked once a calc period, so a priority is
    stale by up to that long. A job submitted in between is priced with the last ranking. The
    world's share tree is as of the last calc period, too.
    """

    def __init__(self, world: World) -> None:
        self._config = world.config.priority
        self._decay = decay_factor(self._config.calc_period_s, self._config.decay_half_life_s)
        self.shares = ShareTree(world.associations)
        self.fair_share: list[float] = []
        self._ageing = Ageing(self._config)
        self._charging = Charging(self.shares)
        self._charged_until_s = -inf  # of jobs that ran then
        self._rank()

    def price(self, pending: Pending, now_s: float) -> bool:
        """Set the priority of the job's records; whether any changed."""
        age = age_factor(now_s, pending.age_from_s, self._config.max_age_s)
        changed = False
        for record in pending.records:
            index = record.share_index
            record.age = age
            record.fair_share = 0.0 if index is None else self.fair_share[index]
            new = self._priority(record)
            changed |= new != record.priority
            record.priority = new
        return changed

    def charge(self, running: Running, now_s: float) -> None:
        """Bring the share tree up to now with what a job that is over has used."""
        elapsed_s = now_s - max(running.charged_from_s, self._charged_until_s)
        record = running.record
        if record.share_index is not None and elapsed_s > 0:
            used = elapsed_s * running.amounts["billing"] * record.usage_factor
            self.shares.charge(record.share_index, used)

    def end_period(
        self, running: Collection[Running], waiting: Iterable[Pending], now_s: float
    ) -> bool:
        """Charge what runs, decay all usage by one calc period, rank the users anew and price what
        waits; whether any priority changed.
        """
        self._charging.charge(running, self._charged_until_s, now_s)
        self._charged_until_s = now_s
        self.shares.decay(self._decay)
        self._rank()
        others = self._ageing.follow(waiting)
        changed = [self.price(pending, now_s) for pending in others]
        return self._ageing.price(self.fair_share, now_s) or any(changed)

    def tell_factors(self) -> None:
        """Bring age and fair share of all records up to their priority."""
        self._ageing.tell()

    def _rank(self) -> None:
        self.fair_share = self.shares.fair_tree(merges_ties=self._config.fair_tree_merges_ties)

    def _priority(self, record: Record) -> int:
        job, config = record.job, self._config
        if record.pending.held is not None:
            return 0
        if job.fixed_priority is not None:
            return job.fixed_priority
        weighted = record.fixed_weight
        weighted += config.weight_age * record.age + config.weight_fair_share * record.fair_share
        return priority(weighted, nice=job.nice, site_factor=job.site_factor)
