"""Jobs per second of CPU that the pool simulator schedules, against SimPy's bare events.

    python bench/pool.py [TRACE.csv.gz ...] [--runs N]

Each trace has the columns submit, procs, est, run (seconds); without one, a seeded queue that
grows long. Medians of N interleaved runs, process time of the simulation only.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import simpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planner.sim.pool import Workload, starts_s

CHAINED = 100_000


def recorded(path: Path) -> Workload:
    with gzip.open(path, "rt", newline="") as lines:
        rows = list(csv.DictReader(lines))
    submit_s, procs, est_s, run_s = (
        np.array([float(row[name]) for row in rows]) for name in ("submit", "procs", "est", "run")
    )
    return Workload(submit_s, procs.astype(np.int64), est_s, run_s)


def deep_queue(jobs: int = 30_000, processors: int = 100) -> Workload:
    """More work than the pool can do, so that the queue only grows; limits are 2.5 run times."""
    rng = np.random.default_rng(5)
    run_s = np.ceil(rng.lognormal(7.0, 1.0, jobs))
    procs = rng.integers(1, processors // 4, jobs)
    work_s = float((run_s * procs).sum()) / processors
    submit_s = np.floor(np.sort(rng.uniform(0, work_s / 1.3, jobs)))
    return Workload(submit_s, procs, np.ceil(run_s * 2.5), run_s)


def chained_callbacks() -> int:
    env = simpy.Environment()
    left = CHAINED

    def again(_: simpy.Event) -> None:
        nonlocal left
        left -= 1
        if left:
            simpy.Timeout(env, 1).callbacks.append(again)

    simpy.Timeout(env, 1).callbacks.append(again)
    env.run()
    return CHAINED


def cpu_rate(run: Callable[[], int]) -> float:
    began_s = time.process_time()
    done = run()
    return done / (time.process_time() - began_s)


def schedules(work: Workload, policy: str) -> Callable[[], int]:
    return lambda: len(starts_s(work, 100, "easy" if policy == "easy" else "fcfs"))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    for path in asked.traces:
        if not path.is_file():
            parser.error(f"there is no file {path}; give a schedule with the columns named above")
    loads = {path.name: recorded(path) for path in asked.traces} or {"deep queue": deep_queue()}
    races = {"simpy: chained callbacks": chained_callbacks}
    for name, work in loads.items():
        races |= {f"{policy} {name}": schedules(work, policy) for policy in ("fcfs", "easy")}
    rates: dict[str, list[float]] = {name: [] for name in races}
    for _ in range(asked.runs):
        for name, run in races.items():
            rates[name].append(cpu_rate(run))
    for name, found in rates.items():
        print(f"{statistics.median(found):12,.0f} /s  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
