"""Worlds in which jobs give way to others, and what happens in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from planner.sim.cluster import Nodes, Partition, World
from planner.sim.config import PreemptionConfig, SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Job, Key
from planner.sim.views import EndedJob
from tests.sim.worlds import FINE, job, running, view, world

Log = list[tuple[float, str, Key]]


def rules(base: SchedulerConfig = FINE, **options: Any) -> SchedulerConfig:
    return replace(base, preemption=PreemptionConfig(**options))


def tiers(of: Nodes, low: dict[str, Any] | None = None) -> tuple[Partition, Partition]:
    return (
        view(of, name="low", priority_tier=1, **(low or {})),
        view(of, name="high", priority_tier=2),
    )


def two_tiers(of: Nodes, *jobs: Job, low: dict[str, Any] | None = None, **options: Any) -> World:
    """Partitions low and high on all nodes; PriorityTier decides."""
    return world(of, *jobs, partitions=tiers(of, low), **{"config": rules(), **options})


def low(key: Key, *, on: dict[str, int], **options: Any) -> Job:
    cpus = sum(on.values())
    return running(key, on=on, partitions=("low",), tasks=cpus, nodes=len(on), **options)


def high(key: Key, **options: Any) -> Job:
    return job(key, partitions=("high",), **options)


def log_of(of: World, until_s: float = 5_000.0) -> Log:
    """What happens: (time, started | ended | evicted | requeued, key), in order."""
    log: Log = []

    def on_end(one: EndedJob) -> None:
        log.append((one.end_s, "evicted" if one.evicted else "ended", one.job.key))

    Simulation(
        of,
        on_start=lambda one: log.append((one.start_s, "started", one.job.key)),
        on_end=on_end,
        on_requeue=lambda one: log.append((one.end_s, "requeued", one.job.key)),
    ).run(until_s)
    return log


def evicted_of(of: World, until_s: float = 20.0) -> list[Key]:
    return [key for _, what, key in log_of(of, until_s) if what in {"evicted", "requeued"}]
