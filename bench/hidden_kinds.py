"""Clusters of the hidden worlds, as Slurm would tell of them: two kinds, no two worlds alike.

``kth``: a pool of 100 nodes of one processor, as the SP2 of KTH was, for wide jobs; a part of it
also takes short ones. ``gpu``: 24 to 32 nodes of eight GPUs, a third of a newer type in a
partition of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from planner.snapshot import Facts
from tracker.slurm import records as slurm

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # of every world: a Monday
CLUSTER = "hidden"
KTH_NODES = 100
CORES, GPUS, MEM_MIB = 64, 8, 1_024_000
OLDER, NEWER = "a100", "h100"


@dataclass(frozen=True, slots=True)
class Shapes:
    """What may be asked for at once, and how often; limits as people choose them."""

    nodes: tuple[int, ...]
    gpus: tuple[int, ...]  # a node
    odds: tuple[float, ...]
    limits_minutes: tuple[int, ...]
    limit_odds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """``facts`` of an idle cluster at BEGIN, with the settings that are told.

    ``capacity`` counts what jobs are measured by: GPUs, or nodes where there are none.
    """

    name: str
    facts: Facts
    config: slurm.ClusterConfig
    shapes: Shapes
    capacity: int
    long: Mapping[str, float]  # partitions for jobs of any length, and how many people like them
    gpu_types: Mapping[str, str]  # by partition
    short: str  # the partition for short jobs
    short_minutes: int
    users: int
    accounts: int


def kth(rng: np.random.Generator) -> Kind:
    names = [f"n{place:03}" for place in range(KTH_NODES)]
    short = int(rng.integers(16, 33))
    nodes = [slurm.Node(name, "IDLE", cpus=1, partitions=("batch",)) for name in names]
    partitions = [
        slurm.Partition(
            "batch",
            node_list=",".join(names[: KTH_NODES - short // 2]),
            max_minutes=3600,
            is_default=True,
        ),
        slurm.Partition("day", node_list=",".join(names[-short:]), max_minutes=240),
    ]
    shapes = Shapes(
        nodes=(1, 2, 4, 8, 16, 32, 64),
        gpus=(0,) * 7,
        odds=(0.27, 0.13, 0.17, 0.20, 0.13, 0.07, 0.03),
        limits_minutes=(15, 60, 240, 480, 900, 1800, 3600),
        limit_odds=(0.16, 0.16, 0.22, 0.12, 0.18, 0.10, 0.06),
    )
    facts = _facts(rng, nodes, partitions, slurm.Tres(nodes=32), users=30, accounts=8)
    config = _config(rng, {"SelectTypeParameters": "CR_CPU"})
    return Kind(
        name="kth",
        facts=replace(facts, config=config),
        config=config,
        shapes=shapes,
        capacity=KTH_NODES,
        long={"batch": 1.0},
        gpu_types={},
        short="day",
        short_minutes=240,
        users=30,
        accounts=8,
    )


def gpu(rng: np.random.Generator) -> Kind:
    count = int(rng.integers(24, 33))
    newer = count // 3
    nodes = [
        slurm.Node(
            f"g{place:03}",
            "IDLE",
            cpus=CORES,
            mem_mib=MEM_MIB,
            gpus_by_type={NEWER if place >= count - newer else OLDER: GPUS},
            partitions=("gpu",),
        )
        for place in range(count)
    ]
    names = [node.name for node in nodes]
    own = int(rng.integers(1, 4))  # nodes that only short jobs may use
    older = ",".join(names[own:-newer])
    partitions = [
        slurm.Partition("gpu", node_list=older, max_minutes=2880, is_default=True),
        slurm.Partition("new", node_list=",".join(names[-newer:]), max_minutes=2880),
        slurm.Partition("short", node_list=",".join(names[: 3 * own]), max_minutes=240),
    ]
    shapes = Shapes(
        nodes=(1, 1, 1, 1, 2, 4),
        gpus=(1, 2, 4, 8, 8, 8),
        odds=(0.33, 0.16, 0.20, 0.22, 0.06, 0.03),
        limits_minutes=(60, 240, 480, 720, 1440, 2880),
        limit_odds=(0.17, 0.23, 0.20, 0.15, 0.17, 0.08),
    )
    facts = _facts(rng, nodes, partitions, slurm.Tres(gpus=24), users=60, accounts=12)
    config = _config(rng, {"SelectTypeParameters": "CR_CORE_MEMORY"})
    liked = float(rng.uniform(0.22, 0.4))
    return Kind(
        name="gpu",
        facts=replace(facts, config=config),
        config=config,
        shapes=shapes,
        capacity=count * GPUS,
        long={"gpu": 1.0 - liked, "new": liked},
        gpu_types={"gpu": OLDER, "new": NEWER, "short": OLDER},
        short="short",
        short_minutes=240,
        users=60,
        accounts=12,
    )


KINDS: Mapping[str, Callable[[np.random.Generator], Kind]] = {"kth": kth, "gpu": gpu}


def account_of(user: int, kind: Kind) -> str:
    return f"a{user % kind.accounts}"


def perturbed(config: slurm.ClusterConfig, rng: np.random.Generator) -> slurm.ClusterConfig:
    """What the controller truly does where its settings say ``config``."""
    scheduler = config.scheduler_parameters
    interval_s = float(scheduler["bf_interval"]) * rng.uniform(0.5, 2.0)
    tests = float(scheduler["bf_max_job_test"]) * rng.uniform(0.3, 2.0)
    moved = {"bf_interval": f"{interval_s:.0f}", "bf_max_job_test": f"{tests:.0f}"}
    weights = {
        name: round(weight * rng.uniform(0.8, 1.2))
        for name, weight in config.priority_weights.items()
    }
    return replace(config, scheduler_parameters=scheduler | moved, priority_weights=weights)


def _facts(
    rng: np.random.Generator,
    nodes: list[slurm.Node],
    partitions: list[slurm.Partition],
    express: slurm.Tres,
    *,
    users: int,
    accounts: int,
) -> Facts:
    """Of two QOS one comes first, costs twice and is limited per user."""
    qos = (
        slurm.Qos("normal", 10),
        slurm.Qos("express", 100, usage_factor=2.0, max_tres_per_user=express),
    )
    names = tuple(one.name for one in qos)
    return Facts(
        taken_at=BEGIN,
        queue=[],
        nodes=nodes,
        partitions=partitions,
        qos=qos,
        associations=tuple(_associations(rng, users, accounts, names)),
    )


def _config(rng: np.random.Generator, values: dict[str, str]) -> slurm.ClusterConfig:
    return slurm.ClusterConfig(
        CLUSTER,
        "24.05.4",
        values=values,
        scheduler_parameters={
            "bf_interval": str(rng.choice([30, 60])),
            "bf_max_job_test": str(rng.choice([100, 500])),
            "bf_window": "4320",  # minutes: longer than any limit, as slurm.conf(5) advises
            "bf_continue": "",
        },
        priority_weights={
            "age": int(rng.choice([1000, 5000])),
            "fair_share": int(rng.choice([1000, 5000, 10_000])),
            "qos": 2000,
            "job_size": int(rng.choice([0, 500])),
        },
        enforce=frozenset({"associations", "limits", "qos"}),
    )


def _associations(
    rng: np.random.Generator, users: int, accounts: int, qos: tuple[str, ...]
) -> Iterator[slurm.Association]:
    """Every other user may use both QOS."""
    yield slurm.Association(CLUSTER, "root", None)
    for account in range(accounts):
        shares = int(rng.integers(1, 100))
        yield slurm.Association(CLUSTER, f"a{account}", None, "root", shares=shares)
    for user in range(users):
        yield slurm.Association(
            CLUSTER,
            f"a{user % accounts}",
            f"u{user}",
            qos=qos if user % 2 == 0 else qos[:1],
            default_qos=qos[0],
        )
