"""What jobs used as slurmrestd tells it: the steps inside ``/slurmdb/VERSION/jobs``.

What was sampled stands under ``tres/requested``, whatever that name says, in bytes.
"""

from __future__ import annotations

from typing import Any

from tracker.slurm.rest.document import Piece, read_pieces, whole_number
from tracker.slurm.usage import JobUsage, Step, usage_of


def parse_usage(text: str) -> list[JobUsage]:
    """Attempts in the order told."""
    return [_usage(piece) for piece in read_pieces(text, "usage", "jobs")]


def _usage(job: Piece) -> JobUsage:
    job_id = job.integer("job_id")
    if not job_id:
        raise job.error("job_id is missing")
    steps = job.find("steps")
    return usage_of(
        [_step(Piece(job.command, job.version, step)) for step in _objects(steps)],
        job_id=job_id,
        submit_at=job.time("time/submission"),
        elapsed_s=job.integer("time/elapsed"),
        alloc_tres=job.tres("tres/allocated"),
    )


def _step(step: Piece) -> Step:
    seconds = step.integer("time/total/seconds")
    return Step(
        cpu_s=None if seconds is None else seconds + (_microseconds(step) / 1e6),
        most=step.read(_amounts, "tres/requested/max"),
        total=step.read(_amounts, "tres/requested/total"),
    )


def _microseconds(step: Piece) -> int:
    return step.integer("time/total/microseconds") or 0


def _amounts(entries: Any) -> dict[str, int]:
    """By name as sacct writes it: ``mem``, ``gres/gpuutil``."""
    amounts: dict[str, int] = {}
    for entry in _objects(entries):
        name = "/".join(str(word) for word in (entry.get("type"), entry.get("name")) if word)
        count = whole_number(entry.get("count"))
        if count is not None and count >= 0:
            amounts[name] = count
    return amounts


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
