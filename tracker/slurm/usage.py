"""What the steps of ended jobs used, by sacct: read only for jobs that somebody follows.

Usage is sampled on the nodes (JobAcctGatherFrequency, 30 s by default): a step shorter than that,
or a site that gathers nothing, leaves it empty, and empty is unknown. GPUs are sampled since 21.08,
where the site gathers them (AccountingStorageTRES=gres/gpuutil,gres/gpumem).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.slurm.durations import parse_duration_s
from tracker.slurm.jobids import parse_job_id
from tracker.slurm.records import Tres
from tracker.slurm.rows import SEPARATOR, Row, read_rows
from tracker.slurm.tres import parse_count

# Known from 20.11 to 25.11. Of a step, Submit is its start: the row of its job goes before it.
FIELDS = (
    "JobID", "JobIDRaw", "Submit", "ElapsedRaw", "AllocTRES", "TotalCPU", "MaxRSS",
    "TRESUsageInMax", "TRESUsageInTot",
)  # fmt: skip
_MIB = 1024**2
_ABSURD = 2**50  # a PiB, or 36 million years of CPU time


@dataclass(frozen=True, slots=True)
class JobUsage:
    """One attempt of a job, its steps taken together; None where nothing was recorded."""

    job_id: int  # raw
    submit_at: datetime | None
    elapsed_s: int | None
    alloc_tres: Tres
    cpu_s: float | None = None  # user and system, of all steps
    max_rss_mib: int | None = None  # of the largest task, at its peak
    mem_mib: int | None = None  # peaks of a step's tasks added up, of the largest step
    gpu_util_percent: int | None = None  # of the busiest task, its highest sample
    gpu_mem_mib: int | None = None  # of the largest task, at its peak


@dataclass(frozen=True, slots=True)
class Step:
    """By TRES name, bytes of what is memory: ``most`` of the task that used most, ``total`` of
    all tasks."""

    cpu_s: float | None
    most: dict[str, int]
    total: dict[str, int]


def parse_usage(
    text: str, *, fields: Sequence[str] = FIELDS, separator: str = SEPARATOR
) -> list[JobUsage]:
    """Attempts in the order printed, each with the steps that follow its own row."""
    told: list[tuple[Row, list[Step]]] = []
    for row in read_rows(text, fields, command="usage", separator=separator):
        if row.read("JobID", parse_job_id).step is None:
            told.append((row, []))
        elif told:
            told[-1][1].append(_step(row))
    return [
        usage_of(
            steps,
            job_id=row.read("JobIDRaw", parse_job_id).base,
            submit_at=row.time("Submit"),
            elapsed_s=row.integer("ElapsedRaw"),
            alloc_tres=row.tres("AllocTRES"),
        )
        for row, steps in told
    ]


def usage_of(
    steps: Sequence[Step],
    *,
    job_id: int,
    submit_at: datetime | None,
    elapsed_s: int | None,
    alloc_tres: Tres,
) -> JobUsage:
    return JobUsage(
        job_id=job_id,
        submit_at=submit_at,
        elapsed_s=elapsed_s,
        alloc_tres=alloc_tres,
        cpu_s=_sum(step.cpu_s for step in steps if _is_sampled(step)),
        max_rss_mib=_mib(_most(step.most.get("mem") for step in steps)),
        mem_mib=_mib(_most(step.total.get("mem") for step in steps)),
        gpu_util_percent=_most(step.most.get("gres/gpuutil") for step in steps),
        gpu_mem_mib=_mib(_most(step.most.get("gres/gpumem") for step in steps)),
    )


def _step(row: Row) -> Step:
    most = row.read("TRESUsageInMax", _amounts)
    max_rss_bytes = row.read("MaxRSS", parse_count)
    return Step(
        cpu_s=row.read("TotalCPU", parse_duration_s),
        most=most if max_rss_bytes is None else most | {"mem": max_rss_bytes},
        total=row.read("TRESUsageInTot", _amounts),
    )


def _is_sampled(step: Step) -> bool:
    """Whether 0 s of CPU time were seen; sacct prints as much where nobody looked."""
    return bool(step.cpu_s) or "mem" in step.total


def _amounts(text: str) -> dict[str, int]:
    """``cpu=00:00:03,mem=3084K`` without what is no amount: times, and the nonsense that some
    gatherers write at a job's end."""
    amounts: dict[str, int] = {}
    for item in text.strip().split(","):
        name, _, word = item.partition("=")
        try:
            amount = parse_count(word)
        except ValueError:
            continue
        if amount is not None:
            amounts[name] = amount
    return amounts


def _most(amounts: Iterable[int | None]) -> int | None:
    """Without what no machine has: "no value" in 64 bits, for one."""
    return max((one for one in amounts if one is not None and one < _ABSURD), default=None)


def _sum(amounts: Iterable[float | None]) -> float | None:
    known = [one for one in amounts if one is not None and one < _ABSURD]
    return sum(known) if known else None


def _mib(amount: int | None) -> int | None:
    """Bytes as whole MiB, upwards: what is used in part is used."""
    return None if amount is None else -(-amount // _MIB)
