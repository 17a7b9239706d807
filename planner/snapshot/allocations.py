"""What running jobs hold of each node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from planner.sim.jobs import NodeShare
from planner.snapshot import tres
from planner.snapshot.facts import SnapshotNote
from planner.snapshot.rows import Holder
from tracker.slurm import records as slurm
from tracker.slurm.hostlist import expand


def allocations(
    holders: Iterable[Holder], nodes: Mapping[str, slurm.Node], notes: list[SnapshotNote]
) -> dict[str, tuple[NodeShare, ...]]:
    """What each holder has of each node, by its key.

    squeue tells totals: they are split evenly, and CPUs then moved between the nodes of one job
    until the nodes' own counts of allocated CPUs are met where they can be.
    """
    held: dict[str, list[NodeShare]] = {}
    for holder in holders:
        try:
            held[holder.key] = _even_shares(holder.record, nodes)
        except ValueError as error:
            notes.append(SnapshotNote(f"job {holder.key}", f"holds nothing in the model: {error}"))
    _meet_node_counts(held, nodes)
    return {key: tuple(shares) for key, shares in held.items()}


def _even_shares(job: slurm.QueuedJob, nodes: Mapping[str, slurm.Node]) -> list[NodeShare]:
    names = expand(job.node_list or "")
    if not names or set(names) - nodes.keys():
        raise ValueError(f"its nodes {job.node_list or ''!r} are not all known")
    alloc = job.tres_alloc
    cpus = _split(alloc.cpus or job.cpus or 0, len(names))
    mem_mib = _split(alloc.mem_mib or 0, len(names))
    gpus: dict[str, dict[str, int]] = {name: {} for name in names}
    for kind, count in tres.gpus(alloc).items():
        having = [name for name in names if not kind or kind in nodes[name].gpus_by_type]
        for name, part in zip(having, _split(count, len(having)), strict=True):
            gpus[name][kind] = part
    return [
        NodeShare(name, cpus=cpus[i], mem_mib=mem_mib[i], gpus=_typed(gpus[name], nodes[name]))
        for i, name in enumerate(names)
    ]


def _split(total: int, parts: int) -> list[int]:
    """As even as whole numbers can be, the remainder first; [] for no parts."""
    if not parts:
        return []
    each, more = divmod(total, parts)
    return [each + (i < more) for i in range(parts)]


def _typed(gpus: dict[str, int], node: slurm.Node) -> dict[str, int]:
    """Every GPU held has a type; where accounting does not tell it, the node's devices do."""
    untyped = gpus.pop("", 0)
    held = {kind: count for kind, count in gpus.items() if count and kind in node.gpus_by_type}
    for kind, count in sorted(node.gpus_by_type.items()):
        more = min(untyped, count - held.get(kind, 0))
        if more > 0:
            held[kind] = held.get(kind, 0) + more
            untyped -= more
    return held


def _meet_node_counts(held: dict[str, list[NodeShare]], nodes: Mapping[str, slurm.Node]) -> None:
    surplus: dict[str, int] = defaultdict(int)  # CPUs claimed by jobs above what the node counts
    for shares in held.values():
        for share in shares:
            surplus[share.node] += share.cpus
    for name in surplus:
        surplus[name] -= nodes[name].cpus_alloc
    for shares in held.values():
        for i, giver in enumerate(shares):
            for j, taker in enumerate(shares):
                move = min(surplus[giver.node], -surplus[taker.node], shares[i].cpus)
                if move > 0:
                    shares[i] = replace(shares[i], cpus=shares[i].cpus - move)
                    shares[j] = replace(shares[j], cpus=shares[j].cpus + move)
                    surplus[giver.node] -= move
                    surplus[taker.node] += move


def unseen(
    held: Mapping[str, tuple[NodeShare, ...]], nodes: Mapping[str, slurm.Node]
) -> list[NodeShare]:
    """What the nodes count as allocated above what the holders known here have of them."""
    known: dict[str, list[NodeShare]] = defaultdict(list)
    for share in (share for shares in held.values() for share in shares):
        known[share.node].append(share)
    found = []
    for name, node in nodes.items():
        here = known[name]
        gpus = {
            kind: count - sum(share.gpus.get(kind, 0) for share in here)
            for kind, count in node.gpus_alloc_by_type.items()
        }
        share = NodeShare(
            name,
            cpus=max(0, node.cpus_alloc - sum(share.cpus for share in here)),
            mem_mib=max(0, node.mem_alloc_mib - sum(share.mem_mib for share in here)),
            gpus={kind: count for kind, count in gpus.items() if count > 0},
        )
        if share.cpus or share.gpus:
            found.append(share)
    return found
