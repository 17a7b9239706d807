"""A schedule in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.report.schedule import Schedule

# Bounded slowdown (Feitelson and others, JSSPP 1997): what shorter jobs wait is not held against
# them run time for run time.
SHORT_S = 10.0


@dataclass(frozen=True, slots=True)
class Figures:
    jobs: int
    mean_wait_s: float
    median_wait_s: float
    p95_wait_s: float
    mean_bounded_slowdown: float  # (wait + run) / max(run, SHORT_S), 1 or more
    makespan_s: float  # from the first submission to the last end
    utilisation: float  # share of the machine that was busy over the makespan


def figures(schedule: Schedule) -> Figures:
    wait_s, run_s = schedule.wait_s, schedule.run_s
    slowdown = np.maximum(1.0, (wait_s + run_s) / np.maximum(run_s, SHORT_S))
    makespan_s = float(schedule.end_s.max() - schedule.submit_s.min())
    busy_s = float((schedule.procs * run_s).sum())
    median_s, p95_s = np.percentile(wait_s, [50, 95])
    return Figures(
        jobs=len(wait_s),
        mean_wait_s=float(wait_s.mean()),
        median_wait_s=float(median_s),
        p95_wait_s=float(p95_s),
        mean_bounded_slowdown=float(slowdown.mean()),
        makespan_s=makespan_s,
        utilisation=busy_s / (schedule.processors * makespan_s),
    )
