"""Which resource keeps a job from starting at once."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from planner.advice.words import counted
from planner.sim.cluster import BoolArray, IntArray, World
from planner.sim.jobs import Job
from planner.sim.needs import Need

_NAMES = {"cpu": "CPUs", "mem": "MiB of memory", "gres/gpu": "GPUs", "node": "nodes"}


@dataclass(frozen=True, slots=True)
class Critical:
    """The resource that the fewest of its nodes have enough of, free at the snapshot."""

    tres: str
    asked: int  # in all
    free: int  # on the nodes that it may use
    of: int
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return {
            "tres": self.tres,
            "asked": self.asked,
            "free": self.free,
            "of": self.of,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Amount:
    tres: str
    on_node: int  # asked
    free: IntArray  # by node
    of: IntArray


def critical(world: World, probe: Job, need: Need) -> Critical | None:
    """None where enough nodes have all that it needs: then it waits for its turn alone."""
    mine = need.grain.mask & world.nodes.usable_in_plan
    count = probe.min_nodes
    amounts = _amounts(world, probe, count)
    enough = {one.tres: (one.free >= one.on_node) & mine for one in amounts}
    together = mine.copy()
    for fits in enough.values():
        together &= fits
    if together.sum() >= count:
        return None
    scarcest = min(amounts, key=lambda one: int(enough[one.tres].sum()))  # the first of equals
    if enough[scarcest.tres].sum() >= count:
        return _no_node_has_all(mine, together, count)
    free, of = int(scarcest.free[mine].sum()), int(scarcest.of[mine].sum())
    fitting = int(enough[scarcest.tres].sum())
    name = _NAMES.get(scarcest.tres, f"GPUs ({scarcest.tres.rpartition(':')[2]})")
    where = "one node" if count == 1 else f"each of {count} nodes"
    said = (
        f"{name} are short: it needs {scarcest.on_node:,} on {where};"
        f" {free:,} of {of:,} are free, with enough of them on {counted(fitting, 'node')}."
    )
    return Critical(scarcest.tres, scarcest.on_node * count, free, of, said)


def _no_node_has_all(mine: BoolArray, together: BoolArray, count: int) -> Critical:
    free, of = int(together.sum()), int(mine.sum())
    said = (
        f"Each resource by itself is free on enough nodes, but all of it together on {free} of"
        f" {of}; it needs {count}."
    )
    return Critical("node", count, free, of, said)


def _amounts(world: World, probe: Job, count: int) -> list[_Amount]:
    """GPUs first: where all is equally short they are what people wait for."""
    nodes = world.nodes
    used_cpus, used_mem = np.zeros_like(nodes.cpus), np.zeros_like(nodes.mem_mib)
    used_gpus = np.zeros_like(nodes.gpus)
    for job in world.jobs:
        for held in job.allocation:
            index = nodes.index_of[held.node]
            used_cpus[index] += held.cpus
            used_mem[index] += held.mem_mib
            for gpu_type, number in held.gpus.items():
                if gpu_type in nodes.gpu_types:
                    used_gpus[index, nodes.gpu_types.index(gpu_type)] += number
    tasks = ceil(max(probe.tasks, count) / count)
    cpus = tasks * probe.cpus_per_task
    mem_mib = None
    if probe.mem_mib_per_node is not None:
        mem_mib = probe.mem_mib_per_node + probe.mem_mib_per_cpu * cpus
    found: list[_Amount] = []
    per_node = probe.gpus_per_node or {
        kind: ceil(number / count) for kind, number in probe.gpus_per_job.items()
    }
    for gpu_type, number in per_node.items():
        columns = [nodes.gpu_types.index(gpu_type)] if gpu_type else slice(None)
        of = nodes.gpus[:, columns].sum(axis=1)
        free = of - used_gpus[:, columns].sum(axis=1)
        found.append(_Amount(f"gres/gpu:{gpu_type}" if gpu_type else "gres/gpu", number, free, of))
    found.append(_Amount("cpu", cpus, nodes.cpus - used_cpus, nodes.cpus))
    if mem_mib:
        found.append(_Amount("mem", mem_mib, nodes.mem_mib - used_mem, nodes.mem_mib))
    return found
