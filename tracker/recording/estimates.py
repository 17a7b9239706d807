"""Publishing start estimates: every one is kept, one per job is the newest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from tracker.models import Job, StartEstimate

BATCH = 2_000  # jobs a transaction: below SQLite's limit of variables, and short locks


@dataclass(frozen=True, slots=True)
class NewEstimate:
    """``job_id`` is the primary key of the Job, not Slurm's number."""

    job_id: int
    snapshot_at: datetime
    p10_at: datetime | None = None
    p50_at: datetime | None = None
    p90_at: datetime | None = None
    later_than_horizon: tuple[str, ...] = ()
    horizon_s: int = 86_400
    replicas: int = 1
    method: str = ""
    reason_class: str = ""
    why: str = ""
    nodes: str = ""
    slurm_start_at: datetime | None = None


def publish_estimates(issued_at: datetime, estimates: Iterable[NewEstimate]) -> int:
    """Store what was said at ``issued_at``; the number newly stored.

    Safe to run twice: an estimate already stored for this job and time is not stored again.
    A late batch does not push a newer estimate aside. Jobs deleted meanwhile are left out.
    """
    by_job = {estimate.job_id: estimate for estimate in estimates}
    jobs = sorted(by_job)
    return sum(
        _publish(issued_at, [by_job[job] for job in jobs[first : first + BATCH]])
        for first in range(0, len(jobs), BATCH)
    )


def _publish(issued_at: datetime, estimates: list[NewEstimate]) -> int:
    wanted = [estimate.job_id for estimate in estimates]
    with transaction.atomic():
        # Locking the jobs lets two workers with the same forecast take turns.
        jobs = Job.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
        there = set(jobs.values_list("pk", flat=True))
        said = StartEstimate.objects.filter(job__in=there)
        there -= set(said.filter(issued_at=issued_at).values_list("job", flat=True))
        newest = said.filter(is_newest=True)
        outdone = set(newest.filter(issued_at__gt=issued_at).values_list("job", flat=True))
        newest.filter(job__in=there - outdone).update(is_newest=False)
        rows = [
            StartEstimate(issued_at=issued_at, is_newest=e.job_id not in outdone, **_fields(e))
            for e in estimates
            if e.job_id in there
        ]
        StartEstimate.objects.bulk_create(rows, batch_size=500)
        return len(rows)


def _fields(estimate: NewEstimate) -> dict[str, object]:
    fields = asdict(estimate)
    fields["later_than_horizon"] = list(estimate.later_than_horizon)
    return fields
