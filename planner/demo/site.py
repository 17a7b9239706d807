"""The demo cluster's hardware and rules: 24 invented nodes, five partitions, accounts, limits.

Described once, in the simulator's own terms; the commands print it in Slurm's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from planner.sim.cluster import Association, Nodes, Partition, Qos, Reservation
from planner.sim.config import DAY_S, PriorityConfig, SchedulerConfig

NAME = "demo"
SLURM_VERSION = "23.11.10"
DEFAULT_PARTITION = "cpu"
DEFAULT_QOS = "normal"
DEMO_ACCOUNT = "demo"  # of whoever runs the service
DEF_MEM_PER_CPU_MIB = 4000
KILL_WAIT_S = 30
MIN_JOB_AGE_S = 300  # squeue forgets a job so long after its end
REQUEUE_DELAY_S = 121
MAX_ARRAY_TASKS = 1001
PLANS_MAINTENANCE_DAYS = 5  # the longest limit, from the end of the day on
DRAINED = {"cpu06": "fan 2 below 1000 rpm"}


@dataclass(frozen=True)
class Rack:
    """Nodes of one kind."""

    names: tuple[str, ...]
    cpus: int
    mem_mib: int
    gpu_type: str | None
    gpus: int
    weight: int
    features: frozenset[str]


def _rack(
    numbers: range, prefix: str, size: tuple[int, int], gpus: str = "", *, weight: int
) -> Rack:
    """``size``: CPUs and memory (GiB) of each node."""
    cpus, mem_gib = size
    gpu_type, _, count = gpus.partition(":")
    names = tuple(f"{prefix}{number:02}" for number in numbers)
    mem_mib = mem_gib * 1024 - 2048  # the operating system keeps some
    features = frozenset({prefix, gpu_type} - {""})
    return Rack(names, cpus, mem_mib, gpu_type or None, int(count or 0), weight, features)


RACKS = (
    _rack(range(1, 9), "cpu", (64, 256), weight=1),
    _rack(range(1, 9), "gpu", (64, 512), "a100:4", weight=10),
    _rack(range(9, 11), "gpu", (96, 1024), "h100:8", weight=50),
    _rack(range(11, 15), "gpu", (40, 256), "v100:4", weight=5),
    _rack(range(1, 3), "highmem", (64, 2048), weight=20),
)


def _nodes() -> Nodes:
    rack_of = [(rack, name) for rack in RACKS for name in rack.names]
    gpu_types = tuple(dict.fromkeys(rack.gpu_type for rack in RACKS if rack.gpu_type))
    usable = np.array([name not in DRAINED for _, name in rack_of])
    return Nodes(
        names=tuple(name for _, name in rack_of),
        cpus=np.array([rack.cpus for rack, _ in rack_of]),
        mem_mib=np.array([rack.mem_mib for rack, _ in rack_of]),
        gpu_types=gpu_types,
        gpus=np.array(
            [[rack.gpus * (rack.gpu_type == t) for t in gpu_types] for rack, _ in rack_of]
        ),
        weight=np.array([rack.weight for rack, _ in rack_of]),
        features=tuple(rack.features for rack, _ in rack_of),
        usable_now=usable,
        usable_in_plan=usable,
    )


NODES = _nodes()
BILLING = {"cpu": 1.0, "mem": 0.25 / 1024, "gres/gpu": 16.0}


def _partition(
    name: str, nodes: tuple[str, ...], tier: int, factor: int, max_h: float, **more: object
) -> Partition:
    partition = Partition(
        name=name,
        nodes=NODES.mask(nodes),
        max_s=max_h * 3600,
        default_s=3600.0,
        priority_tier=tier,
        job_factor=factor,
        billing_weights=BILLING,
    )
    return replace(partition, **more)  # type: ignore[arg-type]


_CPU, _A100, _H100, _V100, _HIGHMEM = (rack.names for rack in RACKS)
PARTITIONS = (
    _partition("cpu", _CPU[:7], 10, 10, 48),
    _partition("gpu", (*_A100, *_H100, *_V100[:3]), 10, 20, 72),
    _partition(
        "h100", _H100, 20, 30, 24, max_nodes=2, allow_accounts=frozenset({"vision", "nlp", "demo"})
    ),
    _partition("highmem", _HIGHMEM, 10, 10, 72),
    # Short tests find room here while everything else is full.
    _partition("debug", (*_CPU[6:], *_V100[2:]), 30, 40, 1, default_s=600.0, qos="debug"),
)

QOS = (
    Qos("normal", priority=10, max_tres_per_user={"cpu": 320, "gres/gpu": 20}),
    Qos("high", priority=100, max_tres_per_user={"gres/gpu": 8}, max_jobs_per_user=4),
    Qos("low", priority=0, usage_factor=0.5),
    Qos("debug", priority=50, max_tres_per_user={"cpu": 32, "gres/gpu": 2}, max_jobs_per_user=3),
)

ACCOUNTS = (
    Association("root"),
    Association("research", parent="root", shares=60),
    Association("nlp", parent="research", shares=40),
    Association("vision", parent="research", shares=20),
    Association("physics", parent="root", shares=25),
    Association("teaching", parent="root", shares=10, grp_tres={"cpu": 128, "gres/gpu": 8}),
    Association(DEMO_ACCOUNT, parent="root", shares=40),
)
# account -> invented users and their shares
USERS = {
    "nlp": {"amara": 30, "bjorn": 20, "chen": 10},
    "vision": {"dalia": 20, "emre": 20, "farid": 10},
    "physics": {"greta": 20, "hiro": 10},
    "teaching": {"ines": 10, "jonas": 10},
}
FIRST_UID = 20001


def associations(
    own_name: str, usage: dict[tuple[str, str | None], float]
) -> tuple[Association, ...]:
    """The share tree with decayed usage; ``own_name`` is the user of the account "demo"."""
    users = {**USERS, DEMO_ACCOUNT: {own_name: 10}}
    rows = []
    for account in ACCOUNTS:
        rows.append(account)
        for user, shares in users.get(account.account, {}).items():
            rows.append(Association(account.account, user, account.account, shares=shares))
    return tuple(replace(row, usage=usage.get((row.account, row.user), 0.0)) for row in rows)


def uid_of(user: str, own_name: str, own_uid: int) -> int:
    """Unix ids: the real one of whoever runs the service, invented ones for the rest."""
    if user == own_name:
        return own_uid
    names = sorted(name for users in USERS.values() for name in users)
    return FIRST_UID + names.index(user)


LIVE = SchedulerConfig(
    priority=PriorityConfig(
        weight_age=2000,
        weight_fair_share=10000,
        weight_job_size=500,
        weight_partition=1000,
        weight_qos=3000,
        max_age_s=3 * DAY_S,
        decay_half_life_s=7 * DAY_S,
    ),
    bf_window_s=3 * DAY_S,  # the longest time limit
    bf_continue=True,
    kill_wait_s=KILL_WAIT_S,
)
# The same rules looked at less often: weeks of history in seconds.
COARSE = replace(
    LIVE,
    priority=replace(LIVE.priority, calc_period_s=3600.0),
    main_interval_s=3600.0,
    main_min_delay_s=300.0,
    bf_interval_s=5400.0,
    bf_resolution_s=600.0,
    bf_window_s=DAY_S,
    bf_max_job_test=15,
)
# While a record of forecasts is made: the rules that the forecasts go by, each two hours in place
# of each half minute. Coarser ones leave jobs waiting that the rules would have started.
FOLLOWED = replace(
    COARSE,
    main_min_delay_s=60.0,
    bf_interval_s=7200.0,
    bf_resolution_s=LIVE.bf_resolution_s,
    bf_window_s=LIVE.bf_window_s,
    bf_max_job_test=LIVE.bf_max_job_test,
)


class Maintenance(NamedTuple):
    """One node is taken out; times are epoch seconds."""

    name: str
    node: str
    start_at: float
    end_at: float


def maintenance(day: int) -> Maintenance:
    """The window of a day counted from 1970.

    Firmware updates roll through the cluster: each day 06:00 to 08:00 UTC, one node.
    """
    node = NODES.names[day % len(NODES)]
    start = datetime(1970, 1, 1, 6, tzinfo=UTC) + timedelta(days=day)
    start_at = start.timestamp()
    return Maintenance(f"firmware_{node}_{start:%m%d}", node, start_at, start_at + 7200)


def reservations(now_at: float) -> list[Maintenance]:
    """The windows known at that instant: today's, until it ends, and those of the next days."""
    today = int(now_at // DAY_S)
    windows = [maintenance(day) for day in range(today, today + PLANS_MAINTENANCE_DAYS)]
    return [window for window in windows if window.end_at > now_at]


def sim_reservations(now_at: float) -> tuple[Reservation, ...]:
    """The same for a world whose origin is ``now_at``."""
    return tuple(
        Reservation(name, NODES.mask((node,)), start_at - now_at, end_at - now_at)
        for name, node, start_at, end_at in reservations(now_at)
    )
