"""Hypothetical jobs fitted into futures: how far from true insertion, and how fast.

    python bench/fit.py [--worlds N] [--probes N] [--replicas N] [--seed S]
    python bench/fit.py --speed

Worlds of two kinds, by turns: the GPU cluster of ``bench/gpu_cluster.py`` with 40 nodes, 80 jobs
that run and 100 that wait, and the pool of ``bench/hidden_kinds.py`` once 15 jobs wait. Each probe
asks for what a waiting job asks for, each shape as likely, in the name of any user. Insertion
simulates each replica again with the probe in its queue, run times and arrivals the same.

Of a replica: median and mean of how far the fit is off, mean by which it is late (negative: early),
and how often it is more than a minute early or late. Of the medians of each probe: the share within
10 minutes or 10 % of the wait, as advice is judged. Starts beyond the horizon count as at it.

``--speed``: CPU time at 1,000 nodes and 14,000 jobs a replica, made up as full nodes are: to make a
replica ready, to fit one probe, and the same probe under 24 limits; and bytes of four replicas.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.gpu_cluster import ACCOUNTS, CORES, GPUS, MEM_MIB, USERS, Size, facts_of
from bench.hidden_kinds import KINDS
from bench.hidden_load import DAY_S, People
from bench.hidden_truth import TrueWorld
from planner.asking.probe import PROBE, Probed
from planner.ensemble import Past, paced_interval_s, run_batch
from planner.futures import Fitter, Future, pack
from planner.sim.cluster import World
from planner.sim.jobs import Job
from planner.sim.occupancy import Allocation
from planner.snapshot import build
from planner.snapshot.past import past_of

HORIZON_S = 86_400.0
WAITING = 15
SEED = 0
SLOTS, RUNS = 2000, 7  # half nodes, and jobs in each within the horizon


def worlds(count: int, seed: int) -> Iterator[tuple[str, World, Past]]:
    for place in range(count):
        rng = np.random.default_rng((seed, place))
        yield ("gpu", *gpu_world(rng)) if place % 2 == 0 else ("kth", *kth_world(rng))


def gpu_world(rng: np.random.Generator) -> tuple[World, Past]:
    facts, accounted = facts_of(Size(nodes=40, running=80, pending=100, history=2000), rng)
    snapshot = build(facts)
    return snapshot.world, past_of(facts, snapshot, accounted)


def kth_world(rng: np.random.Generator) -> tuple[World, Past]:
    kind = KINDS["kth"](rng)
    submissions = People(kind, rng).submissions(rng, 12 * DAY_S, 0.85)
    config = kind.facts.config
    if config is None:
        raise ValueError("a pool without settings; see bench/hidden_kinds.py")
    true_world = TrueWorld(kind, config, submissions)
    at_s = 8 * DAY_S
    true_world.run(at_s)
    while true_world.waiting < WAITING and at_s < 11 * DAY_S:
        at_s += 3600.0
        true_world.run(at_s)
    seen = true_world.look()
    snapshot = build(seen.facts)
    return snapshot.world, past_of(seen.facts, snapshot, seen.accounted)


def probes(world: World, count: int, rng: np.random.Generator) -> list[Job]:
    waiting = [job for job in world.jobs if job.start_s is None and not job.held]
    by_shape = {
        (job.partitions, job.nodes, job.tasks, *job.gpus_per_node.items(), job.limit_s): job
        for job in waiting
    }
    shapes = list(by_shape.values())
    askers = [world.jobs[place] for place in rng.integers(len(world.jobs), size=count)]
    return [
        replace(
            shapes[place],
            key=PROBE,
            user=asker.user,
            account=asker.account,
            submit_s=0.0,
            eligible_s=None,
            age_from_s=None,
            array_id=None,
            dependencies=(),
        )
        for place, asker in zip(rng.integers(len(shapes), size=count), askers, strict=True)
    ]


def accuracy(world: World, past: Past, asked: list[Job], replicas: int) -> np.ndarray:
    """Start by fit and by insertion, of shape (2, probes, replicas); those with a start."""
    futures: list[Future] = []
    run_batch(
        world,
        past,
        seed=SEED,
        replicas=range(replicas),
        horizon_s=HORIZON_S,
        bf_interval_s=paced_interval_s(world),
        on_future=futures.append,
    )
    fitter = Fitter(world, futures)
    found = []
    for probe in asked:
        inserted = Probed(world, past, probe)
        inserted.run(SEED, range(replicas), HORIZON_S)
        found.append((fitter.starts(probe)[:, 0], inserted.starts.start_s[:, 0]))
    both_s = np.minimum(np.array(found).transpose(1, 0, 2), HORIZON_S)
    return both_s[:, ~np.isnan(both_s).any(axis=(0, 2))]


def tell(kind: str, both_s: np.ndarray) -> None:
    late_s = both_s[0] - both_s[1]
    fit_s, true_s = np.median(both_s, axis=2)
    near = np.abs(fit_s - true_s) <= np.maximum(600.0, 0.1 * true_s)
    print(
        f"{kind:>5}  {late_s.shape[0]:6}  {np.median(np.abs(late_s)):11.0f}"
        f"  {np.mean(np.abs(late_s)):9.0f}  {late_s.mean():11.0f}  {np.mean(late_s < -60):6.0%}"
        f"  {np.mean(late_s > 60):6.0%}  {near.mean():9.0%}",
        flush=True,
    )


def full_future(world: World, rng: np.random.Generator) -> Future:
    """Each half of a node holds one job after the other."""
    run_s = rng.exponential(14_000.0, (SLOTS, RUNS))
    end_s = np.cumsum(run_s, axis=1) - rng.uniform(0.0, 14_000.0, (SLOTS, 1))
    start_s = np.hstack((np.full((SLOTS, 1), -5000.0), end_s[:, :-1])).ravel()
    order = np.argsort(start_s, kind="stable")
    start_s, end_s = start_s[order], end_s.ravel()[order]
    node, count = np.repeat(np.arange(SLOTS) // 2, RUNS)[order], start_s.size
    user = rng.integers(USERS, size=count)
    named = (rng.integers(2, size=count), 4 + user, 4 + USERS + user % ACCOUNTS)
    gpus = GPUS // 2 * (world.nodes.gpus[node] > 0)
    return Future(
        replica=0,
        horizon_s=HORIZON_S,
        known_until_s=HORIZON_S,
        keys=tuple(str(place) if place < count // 2 else None for place in range(count)),
        names=(
            *("gpu", "short", "normal", "long"),
            *(f"u{place}" for place in range(USERS)),
            *(f"a{place}" for place in range(ACCOUNTS)),
        ),
        names_of=np.column_stack((*named, 2 + rng.integers(2, size=count))),
        submit_s=start_s - rng.exponential(20_000.0, count),
        start_s=start_s,
        end_s=end_s,
        limit_s=end_s - start_s + 3600.0,
        priority=np.where(start_s <= 0, np.inf, rng.integers(1000, 9000, count)),
        for_nodes=np.ones(count, dtype=np.bool_),
        row_of=np.arange(count),
        held=Allocation(
            node, np.full(count, CORES // 2), np.full(count, MEM_MIB // 2), gpus.astype(np.int64)
        ),
    )


def speed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    facts, _ = facts_of(Size(nodes=1000, running=2000, pending=5000, history=500), rng)
    world = build(facts).world
    future = full_future(world, rng)
    began_s = time.process_time()
    fitter = Fitter(world, [future])
    ready_s = time.process_time()
    asked = probes(world, 20, rng)
    for probe in asked:
        fitter.starts(probe)
    fitted_s = time.process_time()
    for probe in asked:
        fitter.starts(probe, limits_s=[3600.0 * hours for hours in range(1, 25)])
    curves_s = time.process_time()
    print(f"ready     {1e3 * (ready_s - began_s):6.1f} ms a replica of {len(future)} jobs")
    print(f"fit       {1e3 * (fitted_s - ready_s) / len(asked):6.1f} ms a probe and replica")
    print(f"24 limits {1e3 * (curves_s - fitted_s) / len(asked):6.1f} ms")
    print(f"packed    {len(pack([future] * 4)) / 4e6:6.2f} MB a replica")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=4)
    parser.add_argument("--probes", type=int, default=12, help="in each world")
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        speed(given.seed)
        return 0
    print(" kind  probes  median |s|  mean |s|  mean late s   early    late  near P50")
    found: dict[str, list[np.ndarray]] = {}
    for kind, world, past in worlds(given.worlds, given.seed):
        asked = probes(world, given.probes, np.random.default_rng(given.seed))
        found.setdefault(kind, []).append(accuracy(world, past, asked, given.replicas))
        tell("", found[kind][-1])
    for kind, parts in found.items():
        tell(kind, np.concatenate(parts, axis=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
