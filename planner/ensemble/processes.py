"""Batches on several processors: for command lines, never inside a task."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from planner.ensemble.past import Past
from planner.ensemble.replicas import run_batch
from planner.ensemble.starts import Starts
from planner.sim.cluster import World

_work: tuple[World, Past]  # of this process: sent once, not with every batch


def run_batches(
    world: World,
    past: Past,
    batches: Sequence[range],
    *,
    seed: int,
    horizon_s: float,
    processes: int,
    bf_interval_s: float | None = None,
) -> Iterator[Starts]:
    """As ``run_batch`` of each, in their order: the same for any number of processes."""
    run = partial(_run, seed=seed, horizon_s=horizon_s, bf_interval_s=bf_interval_s)
    if processes == 1 or len(batches) < 2:
        _begin(world, past)
        yield from map(run, batches)
        return
    # Spawned, not forked: a process with threads or a database connection is no one to copy.
    pool = ProcessPoolExecutor(
        min(processes, len(batches)),
        multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(world, past),
    )
    with pool:
        yield from pool.map(run, batches)


def _begin(world: World, past: Past) -> None:
    global _work  # noqa: PLW0603 (what an initializer prepares can be kept nowhere else)
    _work = world, past


def _run(replicas: range, **options: Any) -> Starts:
    return run_batch(*_work, replicas=replicas, **options)
