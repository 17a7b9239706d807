"""Jobs of a trace: what each asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.slurm.records import QueuedJob


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of a job from its submission on."""

    job_id: str
    submit_s: float  # in the origin of its trace: seconds of the log, or of the epoch
    procs: int
    limit_s: float
    user: str
    group: str
    partition: str  # "" where the trace names none
    request: QueuedJob | None = (
        None  # as squeue would have told of it; None: not read, see requests
    )


@dataclass(frozen=True, slots=True)
class TraceJob:
    """One incarnation of a job. Its start is ``submit_s + wait_s``, its end ``run_s`` later."""

    asked: Asked
    run_s: float | None  # None: never ran, or ran still when the trace was taken
    wait_s: float | None  # None: not known (a log without waits), or never started
    cancelled_wait_s: float | None = None  # cancelled while pending, after so long (censored)


@dataclass(frozen=True)
class Trace:
    name: str
    jobs: tuple[TraceJob, ...]  # in order of submission, then as the file has them
    processors: int | None  # of the machine
    notes: tuple[str, ...]  # what was dropped, inferred and assumed
