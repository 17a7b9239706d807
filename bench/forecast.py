"""What forecasts of a busy cluster cost: CPU time of all that is computed for them.

    python bench/forecast.py [--nodes N] [--running R] [--pending P] [--history H] [--batches N]
                             [--ahead-hours H]
    python bench/forecast.py --curves | --quick

The cluster is that of ``bench/gpu_cluster.py``: R jobs run, P wait, and accounting tells of H, from
which run times and submissions are drawn. As many are submitted as start, so that the queue stays
deep. Forecasts look a day ahead if not told otherwise, and backfill as often as
``planner.ensemble.pace`` says. The service looks less far where that keeps it within its share.

Process CPU time of three things: ``facts``, the world and the past from Slurm's records, once a
forecast; ``replica``, a fourth of a batch of four as the service makes them, with what it keeps of
each for advice, the median of N batches, once all is compiled; ``answers``, what 64 replicas say of
every job. The database is not in it.

``of a core`` is the mean of an hour in which a forecast is made every ten minutes, of 16 replicas
and twice of 64; ``of 25 %`` is that share against the quarter of a core that the service gives to
forecasts, so 1 or less keeps within it. ``x plan`` is a replica against one of the same queue in
which all run to their limits and nothing arrives, in the same run: what chance costs.

``--curves`` varies pending jobs, then nodes with as many jobs on and before each, with batches of
one replica, and then gives wall time with one and with two processes: some four minutes on an idle
core.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.gpu_cluster import Size, facts_of
from planner.ensemble import Past, Spread, Starts, joined, paced_interval_s, run_batch
from planner.ensemble.processes import run_batches
from planner.forecasting.cadence import FEW, MANY, MAX_DUTY
from planner.futures import Future
from planner.snapshot import Snapshot, build
from planner.snapshot.past import past_of

HOUR_S = 3600.0
BATCH = 4
FORECASTS_AN_HOUR, OF_MANY = 6, 2
PENDING = (100, 500, 1000, 2000, 5000, 10_000)
NODES = (100, 300, 2000)
OF_PROCESSES = 8  # replicas
SEED = 0

T = TypeVar("T")


class Cost(NamedTuple):
    """CPU seconds."""

    facts_s: float
    plan_s: float
    replica_s: float
    answers_s: float

    @property
    def core(self) -> float:
        """Share of one that forecasts take in the mean of an hour."""
        replicas = OF_MANY * MANY + (FORECASTS_AN_HOUR - OF_MANY) * FEW
        once_s = self.facts_s + self.answers_s
        return (FORECASTS_AN_HOUR * once_s + replicas * self.replica_s) / HOUR_S


def known(size: Size, seed: int) -> tuple[Snapshot, Past, float]:
    """And the CPU seconds that it took to make both."""
    facts, accounted = facts_of(size, np.random.default_rng(seed))
    began_s = time.process_time()
    snapshot = build(facts)
    past = past_of(facts, snapshot, accounted)
    return snapshot, past, time.process_time() - began_s


def cpu_s(run: Callable[[], T]) -> tuple[T, float]:
    began_s = time.process_time()
    found = run()
    return found, time.process_time() - began_s


def cost(size: Size, batches: int, each: int, seed: int, horizon_s: float) -> Cost:
    """``each``: replicas of a batch."""
    snapshot, past, facts_s = known(size, seed)
    run_batch(snapshot.world, past, seed=SEED, replicas=range(1), horizon_s=60.0)  # compiles
    starts: list[Starts] = []
    replicas_s, plans_s = [], []
    for number in range(batches):
        first = number * each
        made, batch_s = cpu_s(lambda n=first: batch(snapshot, past, range(n, n + each), horizon_s))
        _, plan_s = cpu_s(lambda n=first: batch(snapshot, Past(), range(n, n + 1), horizon_s))
        starts.append(made)
        replicas_s.append(batch_s / each)
        plans_s.append(plan_s)
    all_of = joined((starts * MANY)[: MANY // each])
    _, answers_s = cpu_s(lambda: answers(all_of))
    return Cost(facts_s, statistics.median(plans_s), statistics.median(replicas_s), answers_s)


def batch(snapshot: Snapshot, past: Past, replicas: range, horizon_s: float) -> Starts:
    futures: list[Future] = []
    return run_batch(
        snapshot.world,
        past,
        seed=SEED,
        replicas=replicas,
        horizon_s=horizon_s,
        bf_interval_s=paced_interval_s(snapshot.world),
        on_future=futures.append,
    )


def answers(starts: Starts) -> None:
    spread = Spread(starts)
    for key in starts.keys:
        spread.told(key)


def table(sizes: list[Size], batches: int, each: int, seed: int, horizon_s: float) -> None:
    print("nodes  running  pending  facts s  replica s  x plan  answers s  of a core  of 25 %")
    for size in sizes:
        found = cost(size, batches, each, seed, horizon_s)
        print(
            f"{size.nodes:5}  {size.running:7}  {size.pending:7}  {found.facts_s:7.2f}"
            f"  {found.replica_s:9.3f}  {found.replica_s / found.plan_s:6.2f}"
            f"  {found.answers_s:9.2f}  {found.core:9.1%}  {found.core / MAX_DUTY:7.2f}",
            flush=True,
        )


def workers(size: Size, seed: int, horizon_s: float) -> None:
    """Wall time of some replicas, the start of the processes in it."""
    snapshot, past, _ = known(size, seed)
    batches = [range(first, first + BATCH) for first in range(0, OF_PROCESSES, BATCH)]
    alone_s = 0.0
    print(f"processes  wall s of {OF_PROCESSES} replicas  speed-up")
    for processes in (1, 2):
        began_s = time.perf_counter()
        found = run_batches(
            snapshot.world,
            past,
            batches,
            seed=SEED,
            horizon_s=horizon_s,
            processes=processes,
            bf_interval_s=paced_interval_s(snapshot.world),
        )
        joined(list(found))
        took_s = time.perf_counter() - began_s
        alone_s = alone_s or took_s
        print(f"{processes:9}  {took_s:20.1f}  {alone_s / took_s:8.2f}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--running", type=int, default=2000)
    parser.add_argument("--pending", type=int, default=5000)
    parser.add_argument("--history", type=int, default=50_000, help="jobs that accounting tells of")
    parser.add_argument("--batches", type=int, default=1, help="of four replicas, of each size")
    parser.add_argument("--ahead-hours", type=float, default=24.0, help="that forecasts look")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a cluster of 40 nodes")
    parser.add_argument("--curves", action="store_true", help="against pending, nodes, processes")
    asked = parser.parse_args()
    size = Size(asked.nodes, asked.running, asked.pending, asked.history)
    if asked.quick:
        size = Size(nodes=40, running=80, pending=100, history=2000)
    horizon_s = 3600.0 * asked.ahead_hours
    if not asked.curves:
        table([size], asked.batches, BATCH, asked.seed, horizon_s)
        return 0
    for sizes in (
        [size._replace(pending=pending) for pending in PENDING],
        [of_nodes(size, nodes) for nodes in NODES],
    ):
        table(sizes, asked.batches, 1, asked.seed, horizon_s)
        print()
    workers(size, asked.seed, horizon_s)
    return 0


def of_nodes(size: Size, nodes: int) -> Size:
    """As busy and as much waited for a node, with a history of as many days."""
    return Size(*(round(amount * nodes / size.nodes) for amount in size))


if __name__ == "__main__":
    sys.exit(main())
