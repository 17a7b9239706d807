"""What a job costs its user in fair share."""

from __future__ import annotations

from planner.advice.option import FairShare
from planner.sim.cluster import World
from planner.sim.fairshare import ShareTree
from planner.sim.queue import Record


class Shares:
    """Of the users of a world, as they stand and once one more job is charged."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._merges_ties = world.config.priority.fair_tree_merges_ties
        self._now = self._factors(None, 0.0)
        self._after: dict[tuple[int, float], float] = {}

    def factor(self, record: Record) -> float | None:
        """From 0 to 1; None without an association."""
        return None if record.share_index is None else self._now[record.share_index]

    def before_and_after(self, record: Record, run_s: float) -> FairShare | None:
        """If it runs that long, without what decays meanwhile; None without an association, or
        where fair share counts nothing here."""
        index, config = record.share_index, self._world.config.priority
        if index is None or not config.weight_fair_share:
            return None
        charge = run_s * record.amounts["billing"] * record.usage_factor
        if (index, charge) not in self._after:
            self._after[index, charge] = self._factors(index, charge)[index]
        return FairShare(self._now[index], self._after[index, charge])

    def _factors(self, index: int | None, charge: float) -> list[float]:
        tree = ShareTree(self._world.associations)
        if index is not None:
            tree.charge(index, charge)
        return tree.fair_tree(merges_ties=self._merges_ties)
