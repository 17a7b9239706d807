"""Fair share: usage that decays, and the Fair Tree that turns usage into an order of users."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from planner.sim.cluster import Association, IntArray

FloatArray = npt.NDArray[np.float64]


def decay_factor(elapsed_s: float, half_life_s: float) -> float:
    """What is left of a unit of usage; Slurm's series approximation of a half-life, not exp.

    A half-life of 0 means that usage never decays.
    """
    if half_life_s <= 0:
        return 1.0
    return float((1 - 0.693 / half_life_s) ** elapsed_s)


class ShareTree:
    """Associations with their usage in decayed billing seconds, in the order given.

    Raises ValueError on an account without a listed parent, or without a single root.
    """

    def __init__(self, associations: Sequence[Association]) -> None:
        self.associations = tuple(associations)
        self.usage: FloatArray = np.array([a.usage for a in associations], dtype=np.float64)
        accounts = {a.account: i for i, a in enumerate(associations) if a.user is None}
        self._index_of = {(a.account, a.user): i for i, a in enumerate(associations)}
        self.parents = tuple(_parent_index(a, accounts) for a in associations)
        self._chains = _as_rows([self.chain(index) for index in range(len(self.parents))])
        roots = [a.account for a, p in zip(associations, self.parents, strict=True) if p is None]
        if len(roots) > 1:
            raise ValueError(f"accounts {roots} have no parent; give all but one root a parent")

    def index(self, account: str, user: str) -> int | None:
        """The user's association in that account; None if there is none."""
        return self._index_of.get((account, user))

    def chain(self, index: int | None) -> tuple[int, ...]:
        """The association and every account above it, the root last; () for None."""
        chain = []
        while index is not None:
            chain.append(index)
            index = self.parents[index]
        return tuple(chain)

    def charge(self, index: int, amount: float) -> None:
        """Add usage to an association and to all accounts above it."""
        for holder in self.chain(index):
            self.usage[holder] += amount

    def charge_all(self, indices: IntArray, amounts: FloatArray) -> None:
        """``charge`` one after the other: sums are those that it gives, to the last bit."""
        holders = self._chains[indices]
        usage = np.append(self.usage, 0.0)  # the last is nobody's
        np.add.at(usage, holders.ravel(), np.repeat(amounts, holders.shape[1]))
        self.usage = usage[:-1]

    def decay(self, factor: float) -> None:
        self.usage *= factor

    def level_fs(self) -> list[float]:
        """Shares against usage, both among siblings; inf for an idle or a fairshare=parent one."""
        shares = [a.shares for a in self.associations]
        parents = [self._sharing_parent(i) for i in range(len(self.associations))]
        totals: dict[int | None, int] = {}
        for share, parent in zip(shares, parents, strict=True):
            totals[parent] = totals.get(parent, 0) + (share or 0)
        usage = self.usage.tolist()
        return [
            _level_fs(share, totals[parent], usage[i], usage[parent] if parent is not None else 0.0)
            for i, (share, parent) in enumerate(zip(shares, parents, strict=True))
        ]

    def fair_tree(self, *, merges_ties: bool) -> list[float]:
        """Fair-share factor of each association: rank / users for a user, 0 for an account."""
        children: dict[int, list[int]] = {}
        users = 0
        for i, association in enumerate(self.associations):
            users += association.user is not None
            parent = self._sharing_parent(i)
            spliced_out = association.user is None and association.shares is None
            if parent is not None and not spliced_out:
                children.setdefault(parent, []).append(i)
        ranking = _Ranking(self, children, self.level_fs(), users, merges_ties)
        for i, parent in enumerate(self.parents):
            if parent is None:
                ranking.descend(children.get(i, []), tied_before=False)
        return ranking.factors

    def _sharing_parent(self, index: int) -> int | None:
        """The nearest account above that has shares of its own; the root always counts."""
        parent = self.parents[index]
        while parent is not None and self.parents[parent] is not None:
            if self.associations[parent].shares is not None:
                break
            parent = self.parents[parent]
        return parent


class _Ranking:
    """One depth-first walk of the tree: ranks go down from the number of users."""

    def __init__(
        self,
        tree: ShareTree,
        children: dict[int, list[int]],
        level_fs: list[float],
        users: int,
        merges_ties: bool,
    ) -> None:
        self._associations = tree.associations
        self._children = children
        self._level_fs = level_fs
        self._users = users
        self._merges_ties = merges_ties
        self._rank = users
        self._rank_without_ties = users
        self.factors = [0.0] * len(tree.associations)

    def descend(self, siblings: list[int], *, tied_before: bool) -> None:
        """Rank the siblings by level fair share, users before accounts where equal.

        ``tied_before``: the accounts above tie with the one walked last, so the first sibling
        inherits its last rank.
        """
        order = sorted(
            siblings, key=lambda i: (-self._level_fs[i], self._associations[i].user is None)
        )
        position = 0
        previous: float | None = None
        while position < len(order):
            index = order[position]
            level_fs = self._level_fs[index]
            tied = level_fs == previous if position else tied_before
            previous = level_fs
            position += 1
            if self._associations[index].user is not None:
                self._rank_user(index, tied)
                continue
            below = list(self._children.get(index, []))
            while (
                self._merges_ties
                and position < len(order)
                and self._level_fs[order[position]] == level_fs
            ):
                below += self._children.get(order[position], [])
                position += 1
            self.descend(below, tied_before=tied)

    def _rank_user(self, index: int, tied: bool) -> None:
        if not tied:
            self._rank = self._rank_without_ties
        self.factors[index] = self._rank / self._users
        self._rank_without_ties -= 1


def _level_fs(share: int | None, level_shares: int, usage: float, parent_usage: float) -> float:
    if share is None:
        return inf
    if share == 0:
        return 0.0
    usage_share = usage / parent_usage if parent_usage > 0 else 0.0
    return share / level_shares / usage_share if usage_share > 0 else inf


def _as_rows(chains: Sequence[Sequence[int]]) -> IntArray:
    """One chain a row, filled up with -1."""
    rows = np.full((len(chains), max(map(len, chains), default=0)), -1)
    for row, chain in zip(rows, chains, strict=True):
        row[: len(chain)] = chain
    return rows


def _parent_index(association: Association, accounts: dict[str, int]) -> int | None:
    parent = association.account if association.user is not None else association.parent
    if parent is None:
        return None
    if parent not in accounts:
        raise ValueError(
            f"association {association.account}/{association.user}: parent account {parent!r} is"
            " not listed; list every account up to the root"
        )
    return accounts[parent]
