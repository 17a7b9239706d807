"""What is free on each node, and what a job takes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planner.sim.cluster import IntArray, Nodes
from planner.sim.jobs import NodeShare
from planner.sim.nodeset import NodeSet, set_of_indices


@dataclass(frozen=True, eq=False)
class Allocation:
    """What one job holds, one entry per node it runs on."""

    nodes: IntArray  # indices into Nodes
    cpus: IntArray
    mem_mib: IntArray
    gpus: IntArray  # nodes of the job x gpu types

    @cached_property
    def node_set(self) -> NodeSet:
        return set_of_indices(self.nodes)


@dataclass(slots=True, eq=False)
class Room:
    """Free amounts per node."""

    cpus: IntArray
    mem_mib: IntArray
    gpus: IntArray  # nodes x types
    jobs: IntArray  # running on the node
    moves: int = 0  # counts what was taken and given back
    gifts: int = 0  # counts what was given back

    @classmethod
    def of_idle(cls, nodes: Nodes) -> Room:
        return cls(
            nodes.cpus.astype(np.int64),
            nodes.mem_mib.astype(np.int64),
            nodes.gpus.astype(np.int64),
            np.zeros(len(nodes), dtype=np.int64),
        )

    def copy(self) -> Room:
        return Room(self.cpus.copy(), self.mem_mib.copy(), self.gpus.copy(), self.jobs.copy())

    def take(self, allocation: Allocation) -> None:
        self._move(allocation, -1)

    def give_back(self, allocation: Allocation) -> None:
        self.gifts += 1
        self._move(allocation, 1)

    def give_back_rows(self, held: Allocation) -> None:
        """The same for entries of many jobs, some of them on one node."""
        np.add.at(self.cpus, held.nodes, held.cpus)
        np.add.at(self.mem_mib, held.nodes, held.mem_mib)
        np.subtract.at(self.jobs, held.nodes, 1)
        some = np.flatnonzero(held.gpus.any(axis=1))
        np.add.at(self.gpus, held.nodes[some], held.gpus[some])

    def _move(self, allocation: Allocation, sign: int) -> None:
        self.moves += 1
        self.cpus[allocation.nodes] += sign * allocation.cpus
        self.mem_mib[allocation.nodes] += sign * allocation.mem_mib
        self.gpus[allocation.nodes] += sign * allocation.gpus
        self.jobs[allocation.nodes] -= sign


def nothing(gpu_types: int) -> Allocation:
    """Of no node."""
    none = np.zeros(0, dtype=np.int64)
    return Allocation(none, none, none, np.zeros((0, gpu_types), dtype=np.int64))


def joined(allocations: Sequence[Allocation]) -> Allocation:
    """All entries of the allocations, one after the other; there is at least one."""
    return Allocation(
        np.concatenate([a.nodes for a in allocations]),
        np.concatenate([a.cpus for a in allocations]),
        np.concatenate([a.mem_mib for a in allocations]),
        np.concatenate([a.gpus for a in allocations]),
    )


def allocation_of(shares: tuple[NodeShare, ...], nodes: Nodes) -> Allocation:
    """The arrays of an allocation given by names. Raises KeyError on a GPU type not in nodes."""
    type_of = {gpu_type: column for column, gpu_type in enumerate(nodes.gpu_types)}
    gpus = np.zeros((len(shares), len(nodes.gpu_types)), dtype=np.int64)
    for row, share in enumerate(shares):
        for gpu_type, count in share.gpus.items():
            gpus[row, type_of[gpu_type]] += count
    return Allocation(
        np.array([nodes.index_of[share.node] for share in shares], dtype=np.int64),
        np.array([share.cpus for share in shares], dtype=np.int64),
        np.array([share.mem_mib for share in shares], dtype=np.int64),
        gpus,
    )


def shares_of(allocation: Allocation, nodes: Nodes) -> tuple[NodeShare, ...]:
    """The allocation by names; GPU types of which it holds none are left out."""
    return tuple(
        NodeShare(
            nodes.names[node],
            cpus,
            mem_mib,
            {t: n for t, n in zip(nodes.gpu_types, gpus, strict=True) if n},
        )
        for node, cpus, mem_mib, gpus in zip(
            allocation.nodes.tolist(),
            allocation.cpus.tolist(),
            allocation.mem_mib.tolist(),
            allocation.gpus.tolist(),
            strict=True,
        )
    )
