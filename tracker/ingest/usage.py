"""What attempts used into rows: asked once of each that has ended and that a run follows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from tracker.models import Attempt, AttemptUsage, Cluster, Run
from tracker.slurm.usage import JobUsage

ASKED_FOR = timedelta(days=7)  # after a run's end; what accounting has not told by then it lacks
_COLUMNS = (
    "elapsed_s", "cpu_s", "max_rss_mib", "mem_mib", "gpu_util_percent", "gpu_mem_mib",
)  # fmt: skip


def ids_without_usage(cluster: Cluster, now: datetime) -> list[int]:
    """Raw ids of jobs whose runs have ended, newest first, of which no usage was read yet."""
    ended = Run.objects.filter(cluster=cluster, ended_at__gt=now - ASKED_FOR, job__isnull=False)
    attempts = Attempt.objects.filter(
        job__in=ended.values("job"), accounted=True, start_at__isnull=False, usage=None
    )
    ids = attempts.order_by("-job__job_id").values_list("job__job_id", flat=True)
    return list(dict.fromkeys(ids))


@transaction.atomic
def record_usage(
    cluster: Cluster, rows: Sequence[JobUsage], seen_at: datetime, *, asked: Sequence[int]
) -> int:
    """What was told of the jobs ``asked`` for, by id and submit time; how many attempts.

    One that accounting knows no more gets an empty row, so that nobody asks for it again. Told
    again, the last word counts.
    """
    told = {(row.job_id, row.submit_at): row for row in rows}
    attempts = Attempt.objects.filter(job__cluster=cluster, job__job_id__in=asked, accounted=True)
    usages = [
        AttemptUsage(attempt_id=pk, read_at=seen_at, **_columns(told.get((job_id, submit_at))))
        for pk, job_id, submit_at in attempts.values_list("pk", "job__job_id", "submit_at")
    ]
    AttemptUsage.objects.bulk_create(
        usages,
        update_conflicts=True,
        unique_fields=["attempt"],
        update_fields=["read_at", *_COLUMNS],
    )
    return len(usages)


def _columns(row: JobUsage | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS} if row else {}
