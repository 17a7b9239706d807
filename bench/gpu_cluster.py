"""A seeded GPU cluster under load, as Slurm would tell of it: nodes of 64 cores and eight GPUs of
two types, 200 users of 40 accounts in a fair tree, limits per user and per QOS.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from planner.snapshot import Facts
from tracker.slurm import records as slurm

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)  # a Wednesday
DAY_S = 86_400.0
WAITED = timedelta(hours=6)  # by those that ran
CORES, GPUS, MEM_MIB = 64, 8, 1_024_000
KINDS = ("a100", "h100")
USERS, ACCOUNTS = 200, 40
SHAPES = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 8), (4, 8))  # nodes, GPUs of each
SHAPE_ODDS = (0.35, 0.15, 0.20, 0.25, 0.04, 0.01)
LIMITS_MINUTES = (60, 240, 480, 720, 1440, 2880)
LIMIT_ODDS = (0.15, 0.20, 0.20, 0.15, 0.20, 0.10)


class Size(NamedTuple):
    nodes: int
    running: int
    pending: int
    history: int


class Asked(NamedTuple):
    """One submission, as its user asked for it."""

    user: int
    nodes: int
    gpus: int  # a node
    kind: str  # of the GPUs
    limit_minutes: int
    run_s: float
    name: str

    @property
    def partition(self) -> str:
        return "short" if self.limit_minutes <= 240 else "gpu"

    @property
    def tres(self) -> slurm.Tres:
        gpus = self.nodes * self.gpus
        cores = gpus * (CORES // GPUS)
        return slurm.Tres(
            cpus=cores,
            mem_mib=gpus * (MEM_MIB // GPUS),
            nodes=self.nodes,
            gpus=gpus,
            gpus_by_type={self.kind: gpus},
        )


def submissions(rng: np.random.Generator) -> Iterator[Asked]:
    """Without end. Each user has habits: what part of the limit a job uses, and its names."""
    activity = rng.permutation(1 / np.arange(1, USERS + 1) ** 0.7)
    activity /= activity.sum()
    habit = rng.uniform(0.6, 4.0, USERS)
    while True:
        user = int(rng.choice(USERS, p=activity))
        nodes, gpus = SHAPES[rng.choice(len(SHAPES), p=SHAPE_ODDS)]
        limit_minutes = LIMITS_MINUTES[rng.choice(len(LIMIT_ODDS), p=LIMIT_ODDS)]
        part = 1.0 if rng.random() < 0.1 else float(rng.beta(1.0, habit[user]))
        run_s = max(30.0, round(60.0 * limit_minutes * part))
        kind = str(rng.choice(KINDS))
        name = f"train-{user}-{rng.integers(4)}"
        yield Asked(user, nodes, gpus, kind, limit_minutes, run_s, name)


def facts_of(size: Size, rng: np.random.Generator) -> tuple[Facts, list[slurm.AccountedJob]]:
    """The cluster now, and its accounting."""
    drawn = submissions(rng)
    nodes = [_node(place, size.nodes) for place in range(size.nodes)]
    running = list(_running(size, nodes, drawn, rng))
    waiting = [pending(size.running + n, next(drawn), _lately(rng)) for n in range(size.pending)]
    names = ",".join(node.name for node in nodes)
    facts = Facts(
        taken_at=NOW,
        queue=[*running, *waiting],
        nodes=nodes,
        partitions=[
            slurm.Partition("gpu", node_list=names, max_minutes=2880, is_default=True),
            slurm.Partition("short", node_list=names, max_minutes=240, priority_tier=2),
        ],
        config=slurm.ClusterConfig(
            "bench",
            "24.05.4",
            priority_weights={"age": 1000, "fair_share": 10_000, "qos": 1000, "job_size": 500},
            enforce=frozenset({"associations", "limits", "qos"}),
        ),
        qos=(
            slurm.Qos("normal", 10, max_tres_per_user=slurm.Tres(gpus=max(16, size.nodes))),
            slurm.Qos("long", 5, grp_tres=slurm.Tres(gpus=size.nodes * GPUS * 2 // 3)),
        ),
        associations=tuple(_associations()),
        shares=tuple(_shares(rng)),
    )
    return facts, list(_accounted(size, drawn, rng))


def _node(place: int, count: int) -> slurm.Node:
    kind = KINDS[2 * place // count]
    return slurm.Node(
        f"n{place:05}",
        "IDLE",
        cpus=CORES,
        mem_mib=MEM_MIB,
        gpus_by_type={kind: GPUS},
        partitions=("gpu", "short"),
    )


def _queued(job_id: int, asked: Asked, **more: Any) -> slurm.QueuedJob:
    tres = asked.tres
    return slurm.QueuedJob(
        job_id=job_id,
        user=f"u{asked.user}",
        name=asked.name,
        account=f"a{asked.user % ACCOUNTS}",
        partitions=(asked.partition,),
        qos=_qos(asked),
        limit_minutes=asked.limit_minutes,
        node_count=asked.nodes,
        ntasks=asked.nodes,
        cpus=tres.cpus,
        mem_mib=asked.gpus * (MEM_MIB // GPUS),
        tres_per_node=slurm.Tres(gpus=asked.gpus, gpus_by_type={asked.kind: asked.gpus}),
        **more,
    )


def _qos(asked: Asked) -> str:
    return "long" if asked.limit_minutes > 720 else "normal"


def _running(
    size: Size, nodes: list[slurm.Node], drawn: Iterator[Asked], rng: np.random.Generator
) -> Iterator[slurm.QueuedJob]:
    """As many as asked for, or as find room; long ones are the likelier, as at any instant."""
    free = np.full(size.nodes, GPUS)
    of_kind = {k: np.array([k in node.gpus_by_type for node in nodes]) for k in KINDS}
    found = refused = 0
    while found < size.running and refused < 1000:
        asked = next(drawn)
        if rng.random() * 60.0 * LIMITS_MINUTES[-1] > asked.run_s * 4:
            continue
        chosen = np.flatnonzero(of_kind[asked.kind] & (free >= asked.gpus))[: asked.nodes]
        if len(chosen) < asked.nodes:
            refused += 1
            continue
        free[chosen] -= asked.gpus
        start_at = NOW - timedelta(seconds=int(rng.random() * asked.run_s))
        yield _queued(
            found,
            asked,
            state="RUNNING",
            submit_at=start_at - WAITED,
            start_at=start_at,
            tres_alloc=asked.tres,
            node_list=",".join(nodes[place].name for place in chosen),
        )
        found += 1


def pending(job_id: int, asked: Asked, at: datetime) -> slurm.QueuedJob:
    return _queued(job_id, asked, state="PENDING", reason="Priority", submit_at=at, eligible_at=at)


def _lately(rng: np.random.Generator) -> datetime:
    return NOW - timedelta(seconds=int(rng.integers(1, DAY_S)))


def _accounted(
    size: Size, drawn: Iterator[Asked], rng: np.random.Generator
) -> Iterator[slurm.AccountedJob]:
    """Submissions as many a day as the running jobs make way for, more by day than by night."""
    jobs = [next(drawn) for _ in range(size.history)]
    a_day = size.running * DAY_S / float(np.mean([asked.run_s for asked in jobs]))
    ago_s = rng.uniform(0.0, size.history / a_day * DAY_S, size.history)
    ago_s += DAY_S / 8 * (1 + np.sin(2 * np.pi * ago_s / DAY_S))
    for job_id, (asked, before_s) in enumerate(zip(jobs, ago_s.tolist(), strict=True), 10_000_000):
        submit_at = NOW - timedelta(seconds=round(before_s))
        start_at = submit_at + WAITED
        yield slurm.AccountedJob(
            job_id,
            "COMPLETED",
            f"u{asked.user}",
            asked.name,
            account=f"a{asked.user % ACCOUNTS}",
            partition=asked.partition,
            qos=_qos(asked),
            submit_at=submit_at,
            eligible_at=submit_at,
            start_at=start_at,
            end_at=start_at + timedelta(seconds=asked.run_s),
            limit_minutes=asked.limit_minutes,
            req_cpus=asked.tres.cpus,
            req_nodes=asked.nodes,
            req_tres=asked.tres,
            node_list="n00000",
        )


def _associations() -> Iterator[slurm.Association]:
    yield slurm.Association("bench", "root", None)
    for account in range(ACCOUNTS):
        shares = 1 + 100 // (1 + account)
        yield slurm.Association("bench", f"a{account}", None, "root", shares=shares)
    for user in range(USERS):
        yield slurm.Association("bench", f"a{user % ACCOUNTS}", f"u{user}")


def _shares(rng: np.random.Generator) -> Iterator[slurm.Share]:
    usage = rng.lognormal(16, 1.5, USERS)
    yield slurm.Share("root", None, 0, 1, float(usage.sum()))
    for account in range(ACCOUNTS):
        users = range(account, USERS, ACCOUNTS)
        used = float(usage[list(users)].sum())
        yield slurm.Share(f"a{account}", None, 1, 1 + 100 // (1 + account), used)
        for user in users:
            yield slurm.Share(f"a{account}", f"u{user}", 2, 1, float(usage[user]))
