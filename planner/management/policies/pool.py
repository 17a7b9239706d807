"""The exact policies: one pool of processors, partitions left aside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError

from planner.management.policies.prepared import Prepared
from planner.report.schedule import FloatArray, Schedule
from planner.sim.conservative import conservative_starts_s
from planner.sim.pool import Tally, Workload, starts_s
from planner.traces.columns import read_columns

POLICIES: dict[str, Callable[[Workload, int, Tally], FloatArray]] = {
    "fcfs": lambda work, processors, tally: starts_s(work, processors, "fcfs", tally=tally),
    "easy": lambda work, processors, tally: starts_s(work, processors, "easy", tally=tally),
    "conservative": conservative_starts_s,
}


def prepare(path: Path, policy: str, processors: int | None, first: int | None) -> Prepared:
    """Raises TraceError, OSError; CommandError where nobody tells the size of the machine."""
    jobs = read_columns(path, processors)
    if jobs.processors is None:
        raise CommandError(
            f"{path} does not tell the size of the machine; give --processors N", returncode=2
        )
    size = jobs.processors
    if first is not None:
        jobs = jobs.first(first)
    work = Workload(jobs.submit_s, jobs.procs, jobs.limit_s, jobs.run_s)

    def simulate(tally: Tally) -> tuple[Schedule, tuple[str, ...]]:
        start_s = POLICIES[policy](work, size, tally)
        schedule = Schedule(
            jobs.job_ids, jobs.submit_s, start_s, jobs.run_s, jobs.limit_s, jobs.procs, size
        )
        return schedule, ()

    return Prepared(jobs.name, len(jobs), size, jobs.notes, simulate)
