"""Simulated seconds per second of CPU of the Slurm model, on a seeded cluster under steady load.

    python bench/slurm_policy.py [--nodes N] [--pending P] [--hours H] [--runs R] [--seed S]
                                 [--mix whole|shared] [--plain]
    python bench/slurm_policy.py --curves

The cluster: CPU nodes given whole to one job, some of them with more memory and in a partition of
their own, a short partition of higher tier on some of the same nodes, nodes shared core by core,
and GPU nodes of two types. 300 users of 60 accounts with unequal shares; QOS with limits per user
and per group, so that part of the queue waits for limits. Fair tree, ageing and backfill as Slurm
has them by default, with a backfill window of two days.

The load is closed: for every job that starts a like one is submitted a minute later on average, so
the number of pending jobs of each kind stays. Jobs run 0.4 of their limit on average. The first six
hours are left out. Process CPU time, median of R runs; counts are of one more run. ``--mix shared``
is a cluster whose nodes most jobs share, two jobs on each; ``--plain`` does without compiled code.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planner.sim import kernel, scheduling
from planner.sim.cluster import Association, Nodes, Partition, Qos, World
from planner.sim.config import DAY_S, PriorityConfig, SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Job, NodeShare
from planner.sim.outlook import Outlook
from planner.sim.search import PlainSearch
from planner.sim.state import State
from planner.sim.views import RunningJob

CORES, GPU_CORES, GPUS = 128, 64, 4
WARM_UP_S = 6 * 3600.0
USERS, ACCOUNTS = 300, 60
LIMITS_MINUTES = (20, 60, 120, 240, 480, 720, 1440, 2880)
LIMIT_ODDS = (0.18, 0.14, 0.12, 0.14, 0.12, 0.12, 0.15, 0.03)
KINDS = ("standard", "bigmem", "short", "shared", "gpu")


class Mix(NamedTuple):
    parts: tuple[float, float, float]  # of the nodes: standard, bigmem, shared; the rest has GPUs
    kind_odds: tuple[float, ...]
    shared_tasks: tuple[int, ...]


MIXES = {
    "whole": Mix((0.889, 0.10, 0.001), (0.60, 0.10, 0.10, 0.10, 0.10), (1, 1, 2, 4, 8, 16, 32)),
    "shared": Mix((0.20, 0.05, 0.65), (0.10, 0.05, 0.05, 0.70, 0.10), (8, 16, 32, 64, 128)),
}
CURVES = {"pending": (100, 500, 1000, 3000, 10_000), "nodes": (100, 1000, 5860, 10_000)}


class Cluster:
    """The hardware and the rules, for so many nodes."""

    def __init__(self, nodes: int, mix: Mix, rng: np.random.Generator) -> None:
        self.mix = mix
        bounds = np.cumsum([0, *(max(1, round(nodes * part)) for part in mix.parts)])
        standard, bigmem, shared = (
            (np.arange(nodes) >= low) & (np.arange(nodes) < high) for low, high in pairwise(bounds)
        )
        gpu = ~(standard | bigmem | shared)
        old = gpu & (np.arange(nodes) < (bounds[-1] + nodes) // 2)
        cpus = np.where(gpu, GPU_CORES, CORES)
        self.nodes = Nodes(
            names=tuple(f"n{i:05}" for i in range(nodes)),
            cpus=cpus,
            mem_mib=np.where(bigmem, 512_000, 256_000),
            gpu_types=("a100", "h100"),
            gpus=np.stack([old * GPUS, (gpu & ~old) * GPUS], axis=1),
            weight=np.where(bigmem, 10, 1),
            features=(frozenset[str](),) * nodes,
            usable_now=np.ones(nodes, dtype=np.bool_),
            usable_in_plan=np.ones(nodes, dtype=np.bool_),
        )
        self.partitions = (
            Partition("standard", standard | bigmem, exclusive=True),
            Partition("bigmem", bigmem, exclusive=True),
            Partition(
                "short",
                standard & (np.arange(nodes) < nodes // 4),
                exclusive=True,
                max_s=3600.0,
                priority_tier=2,
            ),
            Partition("shared", shared),
            Partition("gpu", gpu, billing_weights={"gres/gpu": 16.0}),
        )
        self.qos = (
            Qos("normal", 10, max_tres_per_user={"node": max(16, nodes // 12)}),
            Qos("short", 50, max_jobs_per_user=8, max_tres_per_user={"node": max(4, nodes // 60)}),
            Qos("long", 5, grp_tres={"node": nodes // 3}, max_jobs_per_user=16),
            Qos("gpu", 10, max_tres_per_user={"gres/gpu": max(8, nodes // 20)}),
        )
        self.associations = _share_tree(rng)


def _share_tree(rng: np.random.Generator) -> tuple[Association, ...]:
    usage = rng.lognormal(16, 1.5, USERS)
    of_account = [float(usage[i::ACCOUNTS].sum()) for i in range(ACCOUNTS)]
    return (
        Association("root", usage=sum(of_account)),
        *(
            Association(f"a{i}", parent="root", shares=1 + int(100 / (1 + i)), usage=used)
            for i, used in enumerate(of_account)
        ),
        *(Association(f"a{i % ACCOUNTS}", f"u{i}", usage=float(u)) for i, u in enumerate(usage)),
    )


def requests(
    cluster: Cluster, kind: str, keys: Iterator[int], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Jobs of one kind, without end and without times."""
    size = len(cluster.nodes)
    most = max(1, min(9, int(np.log2(size / 8))))
    activity = rng.permutation(1 / np.arange(1, USERS + 1) ** 0.7)
    activity /= activity.sum()
    for key in keys:
        user = int(rng.choice(USERS, p=activity))
        limit_s = 60.0 * LIMITS_MINUTES[rng.choice(len(LIMIT_ODDS), p=LIMIT_ODDS)]
        nodes = int(2 ** min(most, rng.exponential(2.2)))
        cpus_per_task = int(rng.choice([1, 1, 1, 2, 4, 8, 16]))
        asked: dict[str, Any] = {
            "key": key,
            "user": f"u{user}",
            "account": f"a{user % ACCOUNTS}",
            "partitions": (kind,),
            "qos": "long" if limit_s > DAY_S / 2 else "normal",
            "nodes": nodes,
            "tasks": nodes * (CORES // cpus_per_task),
            "cpus_per_task": cpus_per_task,
        }
        if kind == "bigmem" and rng.random() < 0.3:
            asked["partitions"] = ("bigmem", "standard")
        elif kind == "short":
            limit_s = min(limit_s, 3600.0)
            asked["qos"] = "short"
        elif kind == "shared":
            asked |= {"nodes": 1, "cpus_per_task": 1, "qos": "normal"}
            asked["tasks"] = int(rng.choice(cluster.mix.shared_tasks))
            asked["mem_mib_per_cpu"] = int(rng.choice([1000, 2000, 4000]))
        elif kind == "gpu":
            per_node = int(rng.choice([1, 1, 2, 4, 4]))
            asked |= {
                "qos": "gpu",
                "nodes": min(nodes, 8) if per_node == 4 else 1,
                "gpus_per_node": {str(rng.choice(["a100", "h100", ""])): per_node},
                "cpus_per_task": 16 * per_node,
                "mem_mib_per_node": 60_000 * per_node,
            }
            asked["tasks"] = asked["nodes"]
        part = 1.0 if rng.random() < 0.12 else float(rng.beta(1.0, 2.1))
        asked |= {"limit_s": limit_s, "run_s": max(30.0, round(limit_s * part))}
        yield asked


def running_jobs(
    cluster: Cluster, drawn: dict[str, Iterator[dict[str, Any]]], rng: np.random.Generator
) -> list[Job]:
    """Enough jobs, part of them over, to leave hardly anything free. Long ones are more likely,
    as they are at any instant of a cluster.
    """
    free, free_gpus = cluster.nodes.cpus.copy(), cluster.nodes.gpus.copy()
    partitions = {partition.name: partition for partition in cluster.partitions}
    found: list[Job] = []
    refused = 0
    while refused < 300:
        asked = next(drawn[KINDS[rng.choice(len(KINDS), p=cluster.mix.kind_odds)]])
        if rng.random() * 60.0 * LIMITS_MINUTES[-1] > asked["run_s"] * 4:
            continue
        partition = partitions[asked["partitions"][0]]
        nodes = asked["nodes"]
        cpus = asked["tasks"] // nodes * asked["cpus_per_task"]
        ((gpu_type, gpus),) = asked.get("gpus_per_node", {"": 0}).items()
        column = 1 if gpu_type == "h100" else 0
        fits = partition.nodes & (free >= (cluster.nodes.cpus if partition.exclusive else cpus))
        chosen = np.flatnonzero(fits & (free_gpus[:, column] >= gpus))[:nodes]
        if len(chosen) < nodes:
            refused += 1
            continue
        held = cluster.nodes.cpus[chosen] if partition.exclusive else np.full(nodes, cpus)
        free[chosen] -= held
        free_gpus[chosen, column] -= gpus
        gpu_share = {cluster.nodes.gpu_types[column]: gpus} if gpus else {}
        mem_mib = asked.get("mem_mib_per_node", 0) + asked.get("mem_mib_per_cpu", 0) * cpus
        allocation = tuple(
            NodeShare(cluster.nodes.names[node], int(part), mem_mib, gpu_share)
            for node, part in zip(chosen, held, strict=True)
        )
        start_s = -float(int(rng.random() * asked["run_s"]))
        asked |= {"partitions": (partition.name,), "submit_s": start_s - 600.0}
        found.append(Job(**asked, start_s=start_s, allocation=allocation))
    return found


class Load:
    """The world at the origin, and the jobs that come after it."""

    def __init__(self, nodes: int, pending: int, mix: str, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        cluster = Cluster(nodes, MIXES[mix], self._rng)
        keys = count()
        self._drawn = {kind: requests(cluster, kind, keys, self._rng) for kind in KINDS}
        jobs = running_jobs(cluster, self._drawn, self._rng)
        for kind, odds in zip(KINDS, cluster.mix.kind_odds, strict=True):
            for _ in range(round(pending * odds)):
                submit_s = -float(self._rng.integers(1, DAY_S))
                jobs.append(Job(**next(self._drawn[kind]), submit_s=submit_s))
        self.world = World(
            nodes=cluster.nodes,
            partitions=cluster.partitions,
            qos=cluster.qos,
            associations=cluster.associations,
            config=SchedulerConfig(
                priority=PriorityConfig(
                    weight_age=2000,
                    weight_fair_share=10_000,
                    weight_job_size=1000,
                    weight_qos=1000,
                    max_age_s=7 * DAY_S,
                    decay_half_life_s=14 * DAY_S,
                ),
                bf_window_s=2 * DAY_S,
            ),
            jobs=tuple(jobs),
            origin_s=1_700_000_000.0,
        )
        self.starts = 0

    def simulation(self) -> Simulation:
        simulation: Simulation

        def answer(started: RunningJob) -> None:
            self.starts += 1
            submit_s = simulation.now_s + float(self._rng.exponential(60.0))
            asked = next(self._drawn[started.job.partitions[0]])
            simulation.submit(Job(**asked, submit_s=submit_s))

        simulation = Simulation(self.world, on_start=answer, keeps_plan=False)
        return simulation


class Counts:
    """Calls and their CPU time, by what the scheduler does."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.cpu_s: Counter[str] = Counter()
        for owner, name, label in (
            (scheduling, "run_pass", "main passes"),
            (Outlook, "place_now", "backfill tests of now, outside compiled code"),
            (PlainSearch, "plan", "backfill plans of the plain form"),
            (State, "place", "placements"),
        ):
            self._watch(owner, name, label)
        cycles = scheduling.run_cycle

        def watched(*args: Any, **options: Any) -> Iterator[float]:
            self.calls["backfill cycles"] += 1
            began_s = time.process_time()
            yield from cycles(*args, **options)
            self.cpu_s["backfill cycles"] += time.process_time() - began_s

        scheduling.run_cycle = watched

    def _watch(self, owner: Any, name: str, label: str) -> None:
        call: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **options: Any) -> Any:
            self.calls[label] += 1
            began_s = time.process_time()
            result = call(*args, **options)
            self.cpu_s[label] += time.process_time() - began_s
            return result

        setattr(owner, name, watched)


def speed(nodes: int, pending: int, mix: str, seed: int, hours: float) -> tuple[float, int, int]:
    """Simulated seconds per CPU second, starts, and jobs that run at the end."""
    load = Load(nodes, pending, mix, seed)
    simulation = load.simulation()
    simulation.run(WARM_UP_S)
    load.starts = 0
    began_s = time.process_time()
    simulation.run(WARM_UP_S + hours * 3600)
    cpu_s = time.process_time() - began_s
    return hours * 3600 / cpu_s, load.starts, len(simulation.running())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=5860)
    parser.add_argument("--pending", type=int, default=500)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mix", choices=MIXES, default="whole")
    parser.add_argument("--plain", action="store_true", help="without compiled code")
    parser.add_argument("--curves", action="store_true", help="cost against pending and nodes")
    asked = parser.parse_args()
    if asked.plain:
        kernel._compiled = lambda: None
    shapes = [(asked.nodes, asked.pending)]
    if asked.curves:
        shapes = [(asked.nodes, pending) for pending in CURVES["pending"]]
        shapes += [(nodes, asked.pending) for nodes in CURVES["nodes"]]
    print("nodes  pending  running  starts/h  x real time  CPU s a day")
    for nodes, pending in shapes:
        runs = [
            speed(nodes, pending, asked.mix, asked.seed, asked.hours) for _ in range(asked.runs)
        ]
        rate = statistics.median(run[0] for run in runs)
        _, starts, running = runs[0]
        print(
            f"{nodes:5}  {pending:7}  {running:7}  {starts / asked.hours:8.0f}  {rate:11,.0f}"
            f"  {86400 / rate:11.1f}",
            flush=True,
        )
    if not asked.curves:
        counts = Counts()
        speed(asked.nodes, asked.pending, asked.mix, asked.seed, asked.hours)
        for label, calls in counts.calls.items():
            print(f"{calls:8} {label}, {1000 * counts.cpu_s[label] / calls:.3f} ms each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
