"""Nodes and partitions as sinfo and scontrol show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.demo import site
from planner.demo.calls import mem_text
from planner.demo.controller import Controller
from planner.sim.cluster import BoolArray, Partition
from tracker.slurm.hostlist import compress


@dataclass(frozen=True, slots=True)
class NodeRow:
    name: str
    partitions: tuple[str, ...]
    cpus: int
    cpus_alloc: int
    mem_mib: int
    mem_alloc_mib: int
    gpus: dict[str, int]
    gpus_alloc: dict[str, int]
    features: tuple[str, ...]
    weight: int
    base_state: str
    flags: tuple[str, ...]
    reason: str | None

    @property
    def is_drained(self) -> bool:
        return self.name in site.DRAINED

    @property
    def state_word(self) -> str:
        """What sinfo makes of base state and flags: ``mixed``, ``drained``, ``maint``."""
        if self.is_drained:
            return "drained" if self.base_state == "IDLE" else "draining"
        if "MAINT" in self.flags:
            return "maint"
        return self.base_state.lower()

    @property
    def cpus_state(self) -> str:
        """Allocated/idle/other/total."""
        rest = self.cpus - self.cpus_alloc
        idle, other = (0, rest) if self.is_drained else (rest, 0)
        return f"{self.cpus_alloc}/{idle}/{other}/{self.cpus}"


def node_rows(controller: Controller) -> list[NodeRow]:
    nodes = site.NODES
    windows = site.reservations(controller.now_at)
    in_maintenance = {node for _, node, start_at, _ in windows if start_at <= controller.now_at}
    rows = []
    for index, use in enumerate(controller.simulation.nodes()):
        cpus = int(nodes.cpus[index])
        base = "IDLE" if not use.jobs else "ALLOCATED" if use.cpus >= cpus else "MIXED"
        flags = ["DRAIN"] if use.name in site.DRAINED else []
        if use.name in in_maintenance:
            flags += ["MAINT", "RESERVED"]
        counts = zip(nodes.gpu_types, nodes.gpus[index].tolist(), strict=True)
        rows.append(
            NodeRow(
                name=use.name,
                partitions=tuple(p.name for p in site.PARTITIONS if p.nodes[index]),
                cpus=cpus,
                cpus_alloc=use.cpus,
                mem_mib=int(nodes.mem_mib[index]),
                mem_alloc_mib=use.mem_mib,
                gpus={kind: count for kind, count in counts if count},
                gpus_alloc={kind: count for kind, count in use.gpus.items() if count},
                features=tuple(sorted(nodes.features[index])),
                weight=int(nodes.weight[index]),
                base_state=base,
                flags=tuple(flags),
                reason=site.DRAINED.get(use.name),
            )
        )
    return rows


def names_of(mask: BoolArray) -> str:
    return compress(site.NODES.names[index] for index in np.flatnonzero(mask))


def total_tres(partition: Partition) -> str:
    mask, nodes = partition.nodes, site.NODES
    parts = [
        f"cpu={int(nodes.cpus[mask].sum())}",
        f"mem={mem_text(int(nodes.mem_mib[mask].sum()))}",
        f"node={int(mask.sum())}",
    ]
    per_type = nodes.gpus[mask].sum(axis=0).tolist()
    if any(per_type):
        parts.append(f"gres/gpu={sum(per_type)}")
        counts = zip(nodes.gpu_types, per_type, strict=True)
        parts += [f"gres/gpu:{kind}={count}" for kind, count in counts if count]
    return ",".join(parts)


def gres(gpus: dict[str, int], indices: bool = False) -> str:
    """``gpu:a100:4``, with ``indices`` as GresUsed has it: ``gpu:a100:2(IDX:0-1)``."""
    if not gpus:
        return "gpu:0" if indices else "(null)"
    mark = {k: f"(IDX:0-{n - 1})" if n > 1 else "(IDX:0)" for k, n in gpus.items()}
    return ",".join(f"gpu:{kind}:{n}" + (mark[kind] if indices else "") for kind, n in gpus.items())
