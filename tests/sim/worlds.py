"""Small worlds for the simulator's tests: say what matters, the rest is plain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from planner.sim.cluster import Nodes, Partition, World
from planner.sim.config import SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Job, Key, NodeShare

# Seconds, so that starts can be written down by hand.
FINE = SchedulerConfig(main_min_delay_s=0.0, bf_resolution_s=1.0, bf_interval_s=30.0)


def nodes(
    *cpus: int,
    mem_mib: int = 64_000,
    gpus: Mapping[str, Iterable[int]] | None = None,
    weight: Iterable[int] | None = None,
    features: Iterable[frozenset[str]] | None = None,
    down: Iterable[int] = (),
) -> Nodes:
    """Nodes n0, n1, ... with so many CPUs each; ``gpus`` by type, one count per node."""
    count = len(cpus)
    usable = np.ones(count, dtype=np.bool_)
    usable[list(down)] = False
    by_type = {gpu_type: list(counts) for gpu_type, counts in (gpus or {}).items()}
    return Nodes(
        names=tuple(f"n{i}" for i in range(count)),
        cpus=np.array(cpus),
        mem_mib=np.full(count, mem_mib),
        gpu_types=tuple(by_type),
        gpus=np.array(list(by_type.values()), dtype=np.int64).reshape(len(by_type), count).T,
        weight=np.array(list(weight) if weight is not None else [1] * count),
        features=tuple(features) if features is not None else (frozenset[str](),) * count,
        usable_now=usable,
        usable_in_plan=usable.copy(),
    )


def view(of: Nodes, *indices: int, name: str = "p", **options: Any) -> Partition:
    """A partition of the nodes with these indices; of all without any."""
    mask = np.zeros(len(of), dtype=np.bool_)
    mask[list(indices) if indices else slice(None)] = True
    return Partition(name, mask, **options)


def job(key: Key, *, limit_s: float = 100.0, **options: Any) -> Job:
    """A job of user u in account a and partition p that was submitted at -1000."""
    plain: dict[str, Any] = {"user": "u", "account": "a", "partitions": ("p",), "submit_s": -1000.0}
    return Job(key=key, limit_s=limit_s, **plain | options)


def running(key: Key, *, on: Mapping[str, int], start_s: float = 0.0, **options: Any) -> Job:
    """A job that already holds so many CPUs on the nodes named."""
    held = tuple(NodeShare(node, cpus) for node, cpus in on.items())
    return job(key, start_s=start_s, allocation=held, **options)


def world(of: Nodes, *jobs: Job, partitions: Iterable[Partition] = (), **options: Any) -> World:
    return World(
        nodes=of,
        partitions=tuple(partitions) or (view(of),),
        jobs=jobs,
        **{"config": FINE, **options},
    )


def starts(of: World, until_s: float = 10_000.0) -> dict[Key, float]:
    """Start of every job that starts after the origin, by key."""
    found: dict[Key, float] = {}
    simulation = Simulation(of, on_start=lambda one: found.update({one.job.key: one.start_s}))
    simulation.run(until_s)
    return found


def reasons(of: World) -> dict[Key, str]:
    """Why the jobs that wait do so, right after the first pass."""
    simulation = Simulation(of)
    simulation.run(0.0)
    return {waiting.job.key: waiting.reason for waiting in simulation.queue()}
