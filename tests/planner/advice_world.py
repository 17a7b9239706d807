"""A small world to ask about, whose starts follow by hand: three partitions, two of them busy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from planner.advice import Adviser, Rights
from planner.asking.request import Request
from planner.ensemble import Past, asked_run, run_batch
from planner.futures import Future
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.snapshot import Facts, build
from planner.snapshot.requests import Site
from tracker.slurm import records as slurm

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
HOUR_S = 3600.0
DAY_MINUTES = 24 * 60
GPU_TRES = slurm.Tres(cpus=8, mem_mib=1000, nodes=1, gpus=4, gpus_by_type={"a100": 4})
RUNS_S = [60.0 * minutes for minutes in range(65, 176)]

CPU_JOB = Request(user="alice", account="vision", cpus=4, mem_mib=1000, limit_minutes=60)
GPU_JOB = replace(CPU_JOB, gpus=2, gpu_type="a100")


def node(name: str, *partitions: str, cpus: int = 8, **fields: Any) -> slurm.Node:
    return slurm.Node(name, "IDLE", cpus=cpus, mem_mib=64_000, partitions=partitions, **fields)


def running(job_id: int, node_name: str, hours_left: float, **fields: Any) -> slurm.QueuedJob:
    given = {"user": "bob", "account": "vision", "cpus": 8} | fields
    return slurm.QueuedJob(
        job_id=job_id,
        state="RUNNING",
        name="train",
        submit_at=NOW - timedelta(hours=2),
        start_at=NOW - timedelta(hours=1),
        end_at=NOW + timedelta(hours=hours_left),
        limit_minutes=round(60 * (hours_left + 1)),
        node_count=1,
        ntasks=1,
        node_list=node_name,
        **given,
    )


def pending(job_id: int, *partitions: str, priority: int, **fields: Any) -> slurm.QueuedJob:
    given = {"user": "bob", "account": "vision", "cpus": 8, "limit_minutes": 180} | fields
    return slurm.QueuedJob(
        job_id=job_id,
        state="PENDING",
        name="next",
        partitions=partitions,
        reason="Resources",
        priority=priority,
        submit_at=NOW - timedelta(hours=1),
        node_count=1,
        ntasks=1,
        **given,
    )


def small_facts() -> Facts:
    """Partition gpu: one node of four a100, busy for 2 h. slow, the default: one CPU node, busy for
    5 h. idle: one CPU node, free. Jobs of slow and idle may run at most a day."""
    return Facts(
        taken_at=NOW,
        queue=[
            running(1, "gpu1", 2, partitions=("gpu",), tres_alloc=GPU_TRES),
            running(2, "slow1", 5, partitions=("slow",), tres_alloc=slurm.Tres(cpus=8)),
        ],
        nodes=[
            node("gpu1", "gpu", gpus_by_type={"a100": 4}, features=frozenset({"ib"})),
            node("slow1", "slow"),
            node("idle1", "idle", cpus=4),
        ],
        partitions=[
            slurm.Partition(
                "gpu", node_list="gpu1", max_minutes=2 * DAY_MINUTES, default_minutes=60
            ),
            slurm.Partition("slow", node_list="slow1", max_minutes=DAY_MINUTES, is_default=True),
            slurm.Partition(
                "idle",
                node_list="idle1",
                max_minutes=DAY_MINUTES,
                allow_accounts=frozenset({"vision", "nlp"}),
            ),
        ],
    )


def past_of(facts: Facts, own_runs_s: Sequence[float] = (HOUR_S / 2,) * 40) -> Past:
    """Bob's jobs with a limit of 3 h ran 65 to 175 min; alice's, with one of 24 h, as given."""
    world = build(facts).world
    ran = [
        *(Ran("bob", "vision", "train", "gpu", 8, 3 * HOUR_S, -run_s, 0.0) for run_s in RUNS_S),
        *(Ran("alice", "vision", "", "idle", 4, 24 * HOUR_S, -run_s, 0.0) for run_s in own_runs_s),
    ]
    runs = RunTimes.learn(PastRuns.of(ran), now_s=1.0)
    asked = {job.key: asked_run(job, world, "train") for job in world.jobs}
    return Past(runs, asked=asked)


def adviser_of(
    facts: Facts,
    past: Past | None = None,
    *,
    replicas: int = 16,
    horizon_s: float = 24 * HOUR_S,
    **of_asker: Any,
) -> Adviser:
    """Without a past all jobs run to their limits, in a single future."""
    past = Past() if past is None else past
    world = build(facts).world
    site = Site.of(facts, world.nodes, world.partitions)
    futures: list[Future] = []
    run_batch(
        world,
        past,
        seed=0,
        replicas=range(1 if past.is_blank else replicas),
        horizon_s=horizon_s,
        on_future=futures.append,
    )
    rights = Rights.of(facts.associations)
    return Adviser(world, site, past, futures, seed=0, at=facts.taken_at, rights=rights, **of_asker)
