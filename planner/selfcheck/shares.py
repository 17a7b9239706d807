"""Fair share: the model's Fair Tree on sshare's shares and usage, against what sshare prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isclose, prod

from planner.sim.cluster import Association
from planner.sim.fairshare import ShareTree
from planner.snapshot import Facts
from planner.snapshot.shares import Key, build_associations
from tracker.slurm.records import Share

DIGIT = 1e-6  # the last one that sshare prints


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One association as sshare and the model see it; None: not told, nothing to compare."""

    account: str
    user: str | None  # None: an account, which has no FairShare
    fair_share: float | None
    own_fair_share: float
    level_fs: float | None
    own_level_fs: float
    level_agrees: bool | None
    why: str  # "" where both agree

    @property
    def fair_share_agrees(self) -> bool | None:
        if self.fair_share is None or self.user is None:
            return None
        return abs(self.fair_share - self.own_fair_share) <= DIGIT


def compare(facts: Facts) -> list[ShareRow]:
    """In the order of the tree; those that it does not hold are left out.

    FairShare follows from RawUsage as it is now, LevelFS from EffectvUsage as of the last calc
    period: so each is computed from what it was computed from.
    """
    associations = build_associations(facts, [])
    told: Mapping[Key, Share] = {
        (share.account, share.user): share for share in facts.shares if share.partition is None
    }
    tree = ShareTree(associations)
    as_of_period = ShareTree(list(_with_effective_usage(associations, tree, told)))
    now = tree.fair_tree(merges_ties=False)
    then = as_of_period.fair_tree(merges_ties=False)
    level_fs = as_of_period.level_fs()
    return [
        _row(told[association.account, association.user], now[i], then[i], level_fs[i])
        for i, association in enumerate(associations)
        if (association.account, association.user) in told
    ]


def _with_effective_usage(
    associations: tuple[Association, ...], tree: ShareTree, told: Mapping[Key, Share]
) -> Iterator[Association]:
    """EffectvUsage is a part of the parent's usage: multiplied down, one of the root's. Where it is
    not told, all below share the gap, and no quotient of usages sees it."""
    for i, association in enumerate(associations):
        below_root = (associations[j] for j in tree.chain(i)[:-1])
        above = [told.get((one.account, one.user)) for one in below_root]
        parts = (share.effective_usage for share in above if share is not None)
        yield replace(association, usage=prod(part for part in parts if part is not None))


def _row(share: Share, now: float, then: float, level_fs: float) -> ShareRow:
    row = ShareRow(
        share.account, share.user, share.fair_share, now, share.level_fs, level_fs,
        _level_agrees(share, level_fs), why="",
    )  # fmt: skip
    if row.level_agrees is False:
        return replace(row, why="other shares, or other siblings, than sshare counts")
    if row.fair_share_agrees is False:
        is_fresh = share.fair_share is not None and abs(share.fair_share - then) <= DIGIT
        since = "usage since the last calc period changes the order"
        return replace(row, why=since if is_fresh else "another order in the tree")
    return row


def _level_agrees(share: Share, own: float) -> bool | None:
    """To the digits printed: EffectvUsage is rounded as well, so its last digit counts twice."""
    usage = share.effective_usage
    if share.level_fs is None or usage is None or share.raw_shares is None:
        return None
    if usage <= DIGIT:
        return None  # next to nothing: the quotient is all rounding
    return isclose(own, share.level_fs, rel_tol=DIGIT / usage, abs_tol=DIGIT)
