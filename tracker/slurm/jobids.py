"""Job ids as squeue, sacct and sprio write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TASKS = 1_000_000  # Slurm's MaxArraySize ends at 4,000,001; a queue row near that is a bomb

_JOB_ID = re.compile(
    r"(?P<base>[0-9]{1,10})"
    r"(?:_(?P<task>[0-9]{1,10})|_\[(?P<tasks>[^\]]*)\]|\+(?P<offset>[0-9]{1,10}))?"
    r"(?:\.(?P<step>[A-Za-z0-9_+.]{1,64}))?",
    re.ASCII,
)
_TASK_RANGE = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10})(?::([0-9]{1,10}))?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class JobId:
    """``base`` is the job's own id, the array's for ``12_3``, the leader's for ``834+0``."""

    base: int
    task: int | None = None
    tasks: tuple[int, ...] = ()
    throttle: int | None = None
    het_offset: int | None = None
    step: str | None = None


def parse_job_id(text: str) -> JobId:
    """``12``, ``12_3``, ``12_[4-9%2]``, ``834+0``, ``12.batch``; ValueError for anything else."""
    match = _JOB_ID.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:80]!r} is not a job id such as 12, 12_3, 12_[4-9%2] or 834+0")
    tasks, throttle = parse_tasks(match["tasks"]) if match["tasks"] is not None else ((), None)
    return JobId(
        base=int(match["base"]),
        task=None if match["task"] is None else int(match["task"]),
        tasks=tasks,
        throttle=throttle,
        het_offset=None if match["offset"] is None else int(match["offset"]),
        step=match["step"],
    )


def parse_tasks(text: str) -> tuple[tuple[int, ...], int | None]:
    """Task ids and throttle of ``1,3-5,8-20:4%2``.

    A list that Slurm cut short with ``...`` gives the tasks before the cut (the adapter asks for
    the whole with ``SLURM_BITSTR_LEN=0``). A throttle of 0 is none.
    """
    ranges, percent, limit = text.partition("%")
    if percent and not (limit.isascii() and limit.isdigit() and len(limit) <= 10):
        raise ValueError(f"{text[:80]!r} has no number after the %")
    tasks: list[int] = []
    for part in ranges.split(","):
        if part.endswith("...") or not part:
            break
        match = _TASK_RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:80]!r} is not a range of array tasks such as 4-9")
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if last < first or step < 1 or (last - first) // step >= MAX_TASKS - len(tasks):
            raise ValueError(f"array tasks {part!r} run backwards or number above {MAX_TASKS}")
        tasks.extend(range(first, last + 1, step))
    return tuple(tasks), int(limit) or None if percent else None
