"""Jobs that ran, as arrays: logs of millions of jobs, for simulations that start them anew."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planner.traces.cleaning import TraceError
from planner.traces.files import numbered_lines
from planner.traces.jobs import Trace
from planner.traces.reading import read_trace
from planner.traces.swf import FIELDS, checked, looks_like_swf, stated_processors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = NDArray[np.int64] | NDArray[np.str_]

# Job number, submit, run, allocated and requested processors, requested time.
_READ = (0, 1, 3, 4, 7, 8)


@dataclass(frozen=True)
class Columns:
    """Jobs in order of submission, then as the file has them; times in the file's own origin."""

    name: str
    job_ids: Ids
    submit_s: Floats
    procs: Ints
    limit_s: Floats
    run_s: Floats
    processors: int | None  # of the machine
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.job_ids)

    def first(self, jobs: int) -> Columns:
        return Columns(
            self.name,
            self.job_ids[:jobs],
            self.submit_s[:jobs],
            self.procs[:jobs],
            self.limit_s[:jobs],
            self.run_s[:jobs],
            self.processors,
            self.notes,
        )


def read_columns(path: Path, processors: int | None = None) -> Columns:
    """Cleaned as every trace is; jobs that never ran, or ran still, are left out.

    A log in the Standard Workload Format is never in memory as objects. Raises TraceError, OSError.
    """
    first = next((line for _, line in numbered_lines(path) if line), "")
    if looks_like_swf(first):
        return _columns_of_swf(path, processors)
    return columns_of(read_trace(path, processors))


def columns_of(trace: Trace) -> Columns:
    """Raises TraceError where no job ran to its end."""
    ran = [(job.asked, job.run_s) for job in trace.jobs if job.run_s is not None]
    left_out = len(trace.jobs) - len(ran)
    notes = trace.notes
    if left_out:
        notes += (f"jobs left out, as they never ran or ran still: {left_out:,}",)
    if not ran:
        raise TraceError(f"{trace.name}: no job ran to its end; give a log of jobs that did")
    return Columns(
        trace.name,
        np.array([asked.job_id for asked, _ in ran]),
        np.array([asked.submit_s for asked, _ in ran]),
        np.array([asked.procs for asked, _ in ran]),
        np.array([asked.limit_s for asked, _ in ran]),
        np.array([run_s for _, run_s in ran]),
        trace.processors,
        notes,
    )


def _columns_of_swf(path: Path, processors: int | None) -> Columns:
    columns = tuple(array("d") for _ in _READ)
    for number, line in numbered_lines(path):
        if line.startswith(";"):
            processors = stated_processors(line) if processors is None else processors
        elif words := tuple(line.split()):
            numbers = _numbers(words)
            if numbers is None:
                checked(words, path, number)  # which raises
                continue
            for column, value in zip(columns, numbers, strict=True):
                column.append(value)
    job_ids, submit_s, run_s, allocated, requested, limit_s = map(np.frombuffer, columns)
    _refuse_broken_numbers(path, job_ids)
    jobs = Columns(
        path.name,
        job_ids.astype(np.int64),
        submit_s,
        np.where(allocated > 0, allocated, requested).astype(np.int64),
        np.where((limit_s <= 0) & (run_s > 0), run_s, limit_s),
        run_s,
        processors,
        (),
    )
    return _cleaned(jobs, without_limit=int(((limit_s <= 0) & (run_s > 0)).sum()))


def _numbers(words: tuple[str, ...]) -> list[float] | None:
    """Those that are read; None of a line that is not of the format."""
    if len(words) != len(FIELDS):
        return None
    try:
        numbers = [float(words[place]) for place in _READ]
    except ValueError:
        return None
    return numbers if isfinite(sum(numbers)) else None


def _refuse_broken_numbers(path: Path, job_ids: Floats) -> None:
    broken = job_ids[job_ids % 1 != 0]
    if broken.size:
        raise TraceError(f"{path}: a job number is {broken[0]}; give a whole number")


def _cleaned(jobs: Columns, without_limit: int) -> Columns:
    """By the rules of ``Cleaning``, and told in its words."""
    never_ran = jobs.run_s <= 0
    no_size = ~never_ran & (jobs.procs <= 0)
    misfits = ~never_ran & (jobs.procs > (jobs.processors or np.inf))
    kept = np.flatnonzero(~(never_ran | no_size | misfits))
    order = kept[np.argsort(jobs.submit_s[kept], kind="stable")]
    run_s, limit_s = jobs.run_s[order], jobs.limit_s[order]
    counts = {
        "jobs dropped, run time 0 or not known": int(never_ran.sum()),
        "jobs dropped, size 0 or not known": int(no_size.sum()),
        f"jobs dropped, larger than the machine's {jobs.processors} processors": int(misfits.sum()),
        "jobs without a requested time, their run time in its place": without_limit,
        "jobs that ran longer than their limit, cut to it": int((run_s > limit_s).sum()),
    }
    notes = tuple(f"{what}: {count:,}" for what, count in counts.items() if count)
    if not order.size:
        raise TraceError(
            f"{jobs.name}: no job is left to look at ({'; '.join(notes) or 'it holds none'});"
            " give a log of jobs that ran"
        )
    return Columns(
        jobs.name,
        jobs.job_ids[order],
        jobs.submit_s[order],
        jobs.procs[order],
        limit_s,
        np.minimum(run_s, limit_s),
        jobs.processors,
        notes,
    )
