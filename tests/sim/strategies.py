"""Random small worlds for the property tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from planner.sim.cluster import Association, Nodes, Partition, Qos, World
from planner.sim.config import PriorityConfig
from planner.sim.jobs import Job
from tests.sim.worlds import FINE

USERS = (("a", "u"), ("a", "v"), ("b", "w"))
SECONDS = st.integers(1, 300).map(float)


@st.composite
def clusters(draw: st.DrawFn) -> Nodes:
    count = draw(st.integers(1, 4))

    def column(least: int, most: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(least, most), min_size=count, max_size=count)))

    return Nodes(
        names=tuple(f"n{i}" for i in range(count)),
        cpus=column(1, 8),
        mem_mib=column(1, 4) * 1000,
        gpu_types=("x", "y"),
        gpus=np.stack([column(0, 3), column(0, 2)], axis=1),
        weight=column(1, 3),
        features=tuple(
            frozenset(draw(st.sets(st.sampled_from(["ib", "ssd"])))) for _ in range(count)
        ),
        usable_now=np.ones(count, dtype=np.bool_),
        usable_in_plan=np.ones(count, dtype=np.bool_),
    )


@st.composite
def partitions(draw: st.DrawFn, nodes: Nodes) -> tuple[Partition, ...]:
    found = []
    for name in ("p", "q")[: draw(st.integers(1, 2))]:
        members = draw(st.sets(st.integers(0, len(nodes) - 1), min_size=1))
        mask = np.isin(np.arange(len(nodes)), list(members))
        tier = draw(st.integers(1, 2))
        found.append(Partition(name, mask, priority_tier=tier, exclusive=draw(st.booleans())))
    return tuple(found)


def gpu_requests() -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(["x", "y", ""]), st.integers(1, 2), max_size=1)


@st.composite
def requests(draw: st.DrawFn, key: int, partition_names: list[str]) -> Job:
    account, user = draw(st.sampled_from(USERS))
    submit_s = float(draw(st.integers(-50, 400)))
    named = draw(st.lists(st.sampled_from(partition_names), min_size=1, unique=True))
    array = draw(st.sampled_from([None, "array"]))
    return Job(
        key=key,
        user=user,
        account=account,
        partitions=tuple(named),
        qos=draw(st.sampled_from([None, "small"])),
        submit_s=submit_s,
        eligible_s=draw(st.sampled_from([None, submit_s + 30.0])),
        limit_s=draw(SECONDS),
        run_s=draw(st.none() | SECONDS),
        nodes=draw(st.none() | st.integers(1, 2)),
        tasks=draw(st.integers(1, 6)),
        cpus_per_task=draw(st.integers(1, 2)),
        mem_mib_per_node=draw(st.sampled_from([0, 700, None])),
        mem_mib_per_cpu=draw(st.sampled_from([0, 300])),
        gpus_per_node=draw(gpu_requests()),
        gpus_per_job=draw(gpu_requests()),
        features=draw(st.sampled_from([frozenset[str](), frozenset({"ib"})])),
        exclusive=draw(st.booleans()),
        array_id=array,
        array_throttle=2 if array else None,
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Overlapping partitions, limits, arrays, GPUs, priorities that change as usage does."""
    nodes = draw(clusters())
    of_nodes = draw(partitions(nodes))
    names = [partition.name for partition in of_nodes]
    jobs = tuple(draw(requests(key, names)) for key in range(draw(st.integers(1, 12))))
    priority = PriorityConfig(
        weight_age=100, weight_fair_share=1000, weight_job_size=100, calc_period_s=60
    )
    return World(
        nodes=nodes,
        partitions=of_nodes,
        qos=(Qos("small", 10, max_tres_per_user={"cpu": 6}, max_jobs_per_user=2),),
        associations=(
            Association("root"),
            Association("a", parent="root", shares=3),
            Association("b", parent="root", grp_jobs=2),
            *(Association(account, user) for account, user in USERS),
        ),
        config=replace(FINE, priority=priority),
        jobs=jobs,
    )


@st.composite
def plain_worlds(draw: st.DrawFn) -> World:
    """One partition, no limits, all jobs there at the origin, one task and node each."""
    nodes = draw(clusters())
    everything = Partition("p", np.ones(len(nodes), dtype=np.bool_))
    sizes = draw(st.lists(st.tuples(st.integers(1, 8), SECONDS, SECONDS), min_size=1, max_size=12))
    jobs = tuple(
        Job(
            key=key,
            user="u",
            account="a",
            partitions=("p",),
            submit_s=-1.0,
            limit_s=limit_s,
            run_s=min(run_s, limit_s),
            cpus_per_task=cpus,
        )
        for key, (cpus, limit_s, run_s) in enumerate(sizes)
    )
    return World(nodes=nodes, partitions=(everything,), config=FINE, jobs=jobs)
