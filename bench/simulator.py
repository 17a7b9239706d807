"""Jobs per second of CPU that the simulator schedules, against SimPy's bare events.

    python bench/simulator.py [TRACE ...] [--runs N] [--jobs N]

TRACE is a log in the Standard Workload Format; without one KTH-SP2 is looked for in the folder
that QUEUECAST_TRACES names. Two seeded workloads are always run: ``deep`` has more work than the
machine can do, so that the queue only grows; ``steady`` has less. Medians of N interleaved runs,
process time of the simulation only; the last column is the share of the rate of SimPy's events.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import simpy

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planner.sim.conservative import conservative_starts_s
from planner.sim.pool import Workload, starts_s
from planner.traces.cleaning import TraceError
from planner.traces.columns import read_columns

CHAINED = 100_000
PROCESSORS = 100
KTH = "KTH-SP2-1996-2.swf.gz"

Load = tuple[str, Workload, int]  # name, jobs, processors


def generated(jobs: int, load: float) -> Workload:
    """Work of so many times what the machine can do; limits are 2.5 run times. Seed 5."""
    rng = np.random.default_rng(5)
    run_s = np.ceil(rng.lognormal(7.0, 1.0, jobs))
    procs = rng.integers(1, PROCESSORS // 4, jobs)
    work_s = float((run_s * procs).sum()) / PROCESSORS
    submit_s = np.floor(np.sort(rng.uniform(0, work_s / load, jobs)))
    return Workload(submit_s, procs, np.ceil(run_s * 2.5), run_s)


def recorded(path: Path) -> Load:
    jobs = read_columns(path)
    if jobs.processors is None:
        raise TraceError(f"{path} does not tell the size of the machine in its header; add it")
    work = Workload(jobs.submit_s, jobs.procs, jobs.limit_s, jobs.run_s)
    return path.name, work, jobs.processors


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


def races(loads: list[Load]) -> dict[str, Callable[[], int]]:
    found: dict[str, Callable[[], int]] = {"simpy: chained callbacks": chained_callbacks}
    for name, work, processors in loads:
        for policy in ("fcfs", "easy"):
            found[f"{policy} {name}"] = lambda w=work, n=processors, p=policy: len(
                starts_s(w, n, p)
            )
        if not name.startswith("deep"):  # conservative looks at all that wait
            found[f"conservative {name}"] = lambda w=work, n=processors: len(
                conservative_starts_s(w, n)
            )
    return found


def cpu_rate(run: Callable[[], int]) -> float:
    began_s = time.process_time()
    done = run()
    return done / (time.process_time() - began_s)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=30_000, help="of the seeded workloads")
    asked = parser.parse_args()
    folder = os.environ.get("QUEUECAST_TRACES")
    known = Path(folder) / KTH if folder else None
    if not asked.traces and (known is None or not known.exists()):
        print(f"{KTH} is not there: QUEUECAST_TRACES names no folder that holds it")
    try:
        loads = [recorded(path) for path in asked.traces or ([known] if known else [])]
    except (TraceError, OSError) as error:
        parser.error(str(error))
    for name, load in (("deep", 1.3), ("steady", 0.85)):
        loads.append((f"{name} {asked.jobs:,}", generated(asked.jobs, load), PROCESSORS))
    runs = races(loads)
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(asked.runs):
        for name, run in runs.items():
            rates[name].append(cpu_rate(run))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    bare = medians["simpy: chained callbacks"]
    for name, rate in medians.items():
        print(f"{rate:12,.0f} /s  {name:<40} {rate / bare:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
