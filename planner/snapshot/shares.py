"""QOS and the share tree: who may use how much, and who is next."""

from __future__ import annotations

from collections.abc import Iterator

from planner.sim import cluster as sim
from planner.sim.config import PreemptionConfig
from planner.snapshot.facts import Facts, SnapshotNote
from planner.snapshot.preempting import own_mode
from planner.snapshot.tres import limits
from tracker.slurm import records as slurm

Key = tuple[str, str | None]  # account, user


def build_qos(
    facts: Facts, preemption: PreemptionConfig | None, notes: list[SnapshotNote]
) -> tuple[sim.Qos, ...]:
    return tuple(
        sim.Qos(
            name=qos.name,
            priority=qos.priority,
            usage_factor=qos.usage_factor,
            over_part_qos="OverPartQOS" in qos.flags,
            grp_tres=limits(qos.grp_tres),
            grp_jobs=qos.grp_jobs,
            max_tres_per_job=limits(qos.max_tres_per_job),
            max_tres_per_user=limits(qos.max_tres_per_user),
            max_tres_per_account=limits(qos.max_tres_per_account),
            max_jobs_per_user=qos.max_jobs_per_user,
            max_jobs_per_account=qos.max_jobs_per_account,
            max_wall_s=None if qos.max_wall_minutes is None else qos.max_wall_minutes * 60,
            exempt_s=qos.preempt_exempt_s,
            preempts=frozenset(qos.preempt),
            preempt_mode=own_mode(f"QOS {qos.name}", qos.preempt_mode, preemption, notes),
            grace_s=qos.grace_s,
        )
        for qos in facts.qos
    )


def build_associations(facts: Facts, notes: list[SnapshotNote]) -> tuple[sim.Association, ...]:
    """The share tree: accounts above before those below; shape and usage as sshare has them, limits
    as sacctmgr has them, and either one where the other is missing.

    Associations of a single partition share the tree of the user's others.
    """
    of_cluster = [
        association
        for association in facts.associations
        if facts.config is None or association.cluster == facts.config.cluster_name
    ]
    limits_of = {(a.account, a.user): a for a in of_cluster if a.partition is None}
    for association in of_cluster:
        if association.partition is not None:
            about = f"association {association.account}/{association.user}"
            what = f"its limits in partition {association.partition} are not modelled"
            notes.append(SnapshotNote(about, what))
            limits_of.setdefault((association.account, association.user), association)
    shares = {(s.account, s.user): s for s in facts.shares}
    parents = dict(_parents_by_depth(facts.shares)) or _parents_named(limits_of)
    tree = [
        _association(key, parents[key], shares.get(key), limits_of.get(key))
        for key in sorted(parents, key=lambda key: (key[1] is not None, key))
    ]
    return tuple(_with_one_root(tree, notes))


def _parents_by_depth(shares: tuple[slurm.Share, ...]) -> Iterator[tuple[Key, str | None]]:
    """The account above each row, told by the indentation of sshare."""
    above: list[tuple[int, str]] = []
    for share in shares:
        while above and above[-1][0] >= share.depth:
            above.pop()
        yield (share.account, share.user), above[-1][1] if above else None
        if share.user is None:
            above.append((share.depth, share.account))


def _parents_named(limits_of: dict[Key, slurm.Association]) -> dict[Key, str | None]:
    return {
        key: association.parent_account if association.user is None else association.account
        for key, association in limits_of.items()
    }


def _association(
    key: Key,
    parent: str | None,
    share: slurm.Share | None,
    limited: slurm.Association | None,
) -> sim.Association:
    account, user = key
    known = limited or slurm.Association(cluster="", account=account, user=user)
    return sim.Association(
        account=account,
        user=user,
        parent=parent,
        # The root's own row in sshare has no shares, as nothing competes with it.
        shares=share.raw_shares if share is not None and parent is not None else known.shares,
        usage=(share.raw_usage or 0.0) if share is not None else 0.0,
        priority=known.priority or 0,
        grp_tres=limits(known.grp_tres),
        grp_jobs=known.grp_jobs,
        max_jobs=known.max_jobs,
        max_tres_per_job=limits(known.max_tres_per_job),
        max_wall_s=None if known.max_wall_minutes is None else known.max_wall_minutes * 60,
    )


def _with_one_root(
    tree: list[sim.Association], notes: list[SnapshotNote]
) -> Iterator[sim.Association]:
    """Accounts whose parent is not listed go; so do users without their account."""
    accounts = {a.account: a for a in tree if a.user is None}
    root = next((a.account for a in accounts.values() if a.parent is None), None)
    kept: set[str] = set()
    for name in accounts:
        chain = [name]
        while (parent := accounts[chain[-1]].parent) in accounts and parent not in chain:
            chain.append(parent)
        if chain[-1] == root:
            kept.add(name)
    for association in tree:
        if association.account in kept:
            yield association
        else:
            who = f"association {association.account}/{association.user or ''}"
            notes.append(SnapshotNote(who, "its place in the share tree is not known; left out"))
