"""What every log goes through: jobs that no scheduler could have run are dropped, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from planner.traces.jobs import Trace, TraceJob


class TraceError(ValueError):
    """A log that cannot be read: names the file, the line, the value and the cure."""


class Cleaning:
    """Takes the jobs of one log, in its order; ``trace`` hands back those that are sound.

    Dropped: processors <= 0 or more than the machine has, run time <= 0, a start before the
    submission. A run time is cut to the limit. What was done is told in the trace's notes.
    """

    def __init__(self, processors: int | None) -> None:
        self._processors = processors
        self._jobs: list[TraceJob] = []
        self._counts: Counter[str] = Counter()

    def take(self, job: TraceJob) -> None:
        reason = self._unsound(job)
        if reason is not None:
            self.drop(reason)
            return
        if job.run_s is not None and job.run_s > job.asked.limit_s:
            self.count("jobs that ran longer than their limit, cut to it")
            job = replace(job, run_s=job.asked.limit_s)
        self._jobs.append(job)

    def drop(self, reason: str) -> None:
        self.count(f"jobs dropped, {reason}")

    def count(self, what: str) -> None:
        self._counts[what] += 1

    def _unsound(self, job: TraceJob) -> str | None:
        if job.run_s is not None and job.run_s <= 0:
            return "run time 0 or not known"
        if job.asked.procs <= 0:
            return "size 0 or not known"
        if self._processors is not None and job.asked.procs > self._processors:
            return f"larger than the machine's {self._processors} processors"
        if (job.wait_s or 0) < 0:
            return "started before it was submitted"
        return None

    def trace(self, name: str, *notes: str) -> Trace:
        """Raises TraceError where no job is left."""
        told = tuple(f"{what}: {count:,}" for what, count in sorted(self._counts.items()))
        if not self._jobs:
            raise TraceError(
                f"{name}: no job is left to look at ({'; '.join(told) or 'it holds none'});"
                " give a log of jobs that ran"
            )
        jobs = sorted(self._jobs, key=lambda job: job.asked.submit_s)  # stable: then file order
        return Trace(name, tuple(jobs), self._processors, (*notes, *told))
