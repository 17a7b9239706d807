"""A run's job as rows: what it asked for beside what it got, and Slurm's record in full."""

from __future__ import annotations

from tracker.models import Attempt, Job
from tracker.templatetags.queuecast import duration, moment


def asked_and_got(job: Job, attempt: Attempt | None) -> list[tuple[str, str, str]]:
    """(resource, asked, allocated), each in words; "" where nothing is known."""
    got = attempt.alloc_tres if attempt else {}
    rows = [
        ("Partition", job.partition, job.partition if job.start_at else ""),
        ("Nodes", _count(job.node_count), _count(got.get("nodes"))),
        ("Tasks", _count(job.ntasks), ""),
        ("CPUs", _count(job.cpus), _count(got.get("cpus"))),
        ("Memory", _mem(job.mem_mib), _mem(got.get("mem_mib"))),
        ("GPUs", _gpus(job.gpus), _gpus(got.get("gpus", {}))),
        ("Time", _limit(job), _ran(job)),
    ]
    return [row for row in rows if row[1] or row[2]]


def record(job: Job) -> list[tuple[str, object]]:
    """Slurm's record of the job's newest attempt, empty fields left out."""
    rows = [
        ("Job", job.shown_id),
        ("Raw id", job.job_id),
        ("Name", job.name),
        ("User", job.user),
        ("Account", job.account),
        ("QOS", job.qos),
        ("State", job.state),
        ("Reason", job.reason),
        ("Priority", job.priority),
        ("Nodes", job.node_list),
        ("Submitted", job.submit_at),
        ("Eligible", job.eligible_at),
        ("Started", job.start_at),
        ("Ended", job.end_at),
        ("Features", job.features),
        ("Dependency", job.dependency),
        ("Reservation", job.reservation),
        ("Folder", job.work_dir),
        ("Command", job.command),
        ("Comment", job.comment),
    ]
    return [
        (name, moment(value) if hasattr(value, "tzinfo") else value)
        for name, value in rows
        if value not in (None, "")
    ]


def _count(value: object) -> str:
    return "" if value is None else str(value)


def _mem(mib: object) -> str:
    if mib is None:
        return ""
    return f"{mib / 1024:.4g} GiB" if mib >= 1024 else f"{mib} MiB"  # type: ignore[operator]


def _gpus(by_type: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}".strip() for kind, count in sorted(by_type.items()))


def _limit(job: Job) -> str:
    if job.limit_unlimited:
        return "no limit"
    return "" if job.limit_minutes is None else f"limit {duration(job.limit_minutes * 60)}"


def _ran(job: Job) -> str:
    return f"ran {duration(job.end_at - job.start_at)}" if job.start_at and job.end_at else ""
