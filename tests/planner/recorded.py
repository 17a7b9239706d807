"""The recorded cluster as the planner reads it, and ways to change what was recorded."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from planner.snapshot import Facts, read_facts
from tracker.slurm.capture import read_capture
from tracker.slurm.client import Slurm
from tracker.slurm.records import QueuedJob
from tracker.slurm.transports import ReplayTransport

CAPTURE = Path(__file__).parents[1] / "data" / "slurm" / "22.05-capture"


def recorded_slurm(*, without: tuple[str, ...] = ()) -> Slurm:
    """The capture, less the outputs of some commands."""
    outputs = read_capture(CAPTURE).transport.outputs
    kept = {name: output for name, output in outputs.items() if name not in without}
    return Slurm(ReplayTransport(kept))


@cache
def recorded_facts() -> Facts:
    return read_facts(recorded_slurm())


def row(job_id: int) -> QueuedJob:
    """A row of the recorded queue by raw job id."""
    return next(job for job in recorded_facts().queue if job.job_id == job_id)


def with_rows(*rows: QueuedJob) -> Facts:
    """The recorded cluster with these rows in place of those of the same id, or added."""
    ids = {changed.job_id for changed in rows}
    kept = [job for job in recorded_facts().queue if job.job_id not in ids]
    return replace(recorded_facts(), queue=[*kept, *rows])
