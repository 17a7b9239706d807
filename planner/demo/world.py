"""The demo cluster's jobs as the simulator wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from planner.demo import site
from planner.demo.jobs import Attempt
from planner.sim.cluster import World
from planner.sim.config import SchedulerConfig
from planner.sim.jobs import Dependency, Job, Key

KINDS = ("after", "afterany", "afterok", "afternotok")
# What jobs that are over tell about a dependency: the keys that still matter, or a verdict.
Resolve = Callable[[str, int], tuple[Key, ...] | None]


def build_world(
    attempts: Iterable[Attempt],
    *,
    origin_at: float,
    config: SchedulerConfig,
    own_name: str,
    usage: dict[tuple[str, str | None], float],
    resolve: Resolve,
) -> World:
    """The cluster at ``origin_at`` with these pending and running jobs."""
    return World(
        nodes=site.NODES,
        partitions=site.PARTITIONS,
        qos=site.QOS,
        associations=site.associations(own_name, usage),
        reservations=site.sim_reservations(origin_at),
        config=config,
        jobs=tuple(sim_job(attempt, origin_at, resolve) for attempt in attempts),
        origin_s=origin_at,
    )


def sim_job(attempt: Attempt, origin_at: float, resolve: Resolve) -> Job:
    """One attempt, its times relative to the origin."""
    request = attempt.request
    running = attempt.start_at is not None
    dependencies = () if running else tuple(_dependencies(request.dependency, resolve))
    held = "JobHeldUser" if attempt.held else None
    if None in dependencies:
        held = "DependencyNeverSatisfied"
    eligible_at = attempt.eligible_at or request.begin_at
    return Job(
        key=attempt.key,
        user=request.user,
        account=request.account,
        partitions=(attempt.partition,) if running else request.partitions,
        qos=request.qos,
        submit_s=attempt.submit_at - origin_at,
        eligible_s=None if eligible_at is None else eligible_at - origin_at,
        limit_s=request.limit_minutes * 60.0,
        run_s=request.run_s,
        succeeds=request.outcome == "COMPLETED",
        nodes=request.nodes,
        tasks=request.tasks,
        cpus_per_task=request.cpus_per_task,
        mem_mib_per_node=request.mem_mib_per_node,
        mem_mib_per_cpu=request.mem_mib_per_cpu,
        gpus_per_node=request.gpus_per_node,
        gpus_per_job=request.gpus_per_job,
        features=frozenset(request.features),
        exclusive=request.exclusive,
        array_id=attempt.array_id,
        array_throttle=request.array_throttle,
        dependencies=tuple(one for one in dependencies if one is not None),
        held=held,
        start_s=None if attempt.start_at is None else attempt.start_at - origin_at,
        allocation=attempt.shares if running else (),
    )


def _dependencies(text: str, resolve: Resolve) -> Iterable[Dependency | None]:
    """None stands for a dependency that cannot be met any more."""
    for kind, job_ids in parse_dependency(text):
        for job_id in job_ids:
            keys = resolve(kind, job_id)
            if keys is None:
                yield None
            elif keys:
                yield Dependency(kind, keys)


def parse_dependency(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """``afterok:12:13,afterany:14``; ValueError for anything else."""
    parsed = []
    for part in filter(None, text.split(",")):
        kind, *ids = part.split(":")
        if kind not in KINDS or not ids:
            raise ValueError(f"{part!r} is not a dependency such as afterok:12")
        parsed.append((kind, tuple(int(job_id) for job_id in ids)))
    return parsed
