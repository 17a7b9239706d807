"""Publishing start estimates: the newest of each job, its milestones, and what changed between.

A forecast a minute of 5,000 waiting jobs says 7.2 million things a day, nearly all of them said
the minute before. So an estimate that a newer one supersedes is kept if it is a milestone, or if
it says something else than the last one kept of its job, ten minutes ago or more: at most 144 a
day of a job, a few in a queue that goes as planned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import OuterRef, Subquery

from tracker.models import Job, StartEstimate

BATCH = 2_000  # jobs a transaction: below SQLite's limit of variables, and short locks
KEPT_APART = timedelta(minutes=10)
# Times this near to each other say the same: a minute, or a tenth of the wait that was foretold.
NEAR = timedelta(minutes=1)
NEAR_SHARE = 0.1

Milestone = tuple[int, datetime, int]  # primary key of the job, submission, minutes waited


@dataclass(frozen=True, slots=True)
class NewEstimate:
    """As StartEstimate's columns. ``job_id`` is the primary key of the Job, not Slurm's number.

    ``milestone_minutes`` is what the estimate would be; it is none where another one was first.
    """

    job_id: int
    snapshot_at: datetime
    p10_at: datetime | None = None
    p50_at: datetime | None = None
    p90_at: datetime | None = None
    p_within_10_min: float | None = None
    finish_p50_at: datetime | None = None
    finish_p90_at: datetime | None = None
    later_than_horizon: tuple[str, ...] = ()
    horizon_s: int = 86_400
    replicas: int = 1
    method: str = ""
    how: str = ""
    reason_class: str = ""
    why: str = ""
    nodes: str = ""
    slurm_start_at: datetime | None = None
    moved_s: float | None = None
    moved_since: datetime | None = None
    moved_why: str = ""
    submit_at: datetime | None = None  # unknown: it is shown, and never judged
    partition: str = ""
    inputs_age_s: float | None = None
    is_of_array: bool = False
    is_replayed: bool = False
    milestone_minutes: int | None = None
    expects_queue: bool | None = None
    raw_p10_at: datetime | None = None
    raw_p50_at: datetime | None = None
    raw_p90_at: datetime | None = None
    history_p10_at: datetime | None = None
    history_p50_at: datetime | None = None
    history_p90_at: datetime | None = None


def publish_estimates(issued_at: datetime, estimates: Iterable[NewEstimate]) -> int:
    """Store what was said at ``issued_at``; the number newly stored.

    Safe to run twice, late, or beside another worker: an estimate already stored for this job and
    time is not stored again, and a late or replayed one pushes no newer one aside: it is stored
    only as a milestone that its job still lacks. Jobs deleted meanwhile are left out.
    """
    by_job = {estimate.job_id: estimate for estimate in estimates}
    jobs = sorted(by_job)
    return sum(
        _publish(issued_at, {job: by_job[job] for job in jobs[first : first + BATCH]})
        for first in range(0, len(jobs), BATCH)
    )


def milestones_taken(jobs: Collection[int]) -> set[Milestone]:
    """Those that estimates of these jobs (primary keys) have; a query for every 2,000."""
    ordered = sorted(jobs)
    return {
        milestone
        for first in range(0, len(ordered), BATCH)
        for milestone in StartEstimate.objects.filter(
            job__in=ordered[first : first + BATCH], milestone_minutes__isnull=False
        ).values_list("job", "submit_at", "milestone_minutes")
    }


def _publish(issued_at: datetime, estimates: Mapping[int, NewEstimate]) -> int:
    with transaction.atomic():
        # Locking the jobs lets two workers with the same forecast take turns.
        jobs = Job.objects.select_for_update().filter(pk__in=estimates).order_by("pk")
        there = set(jobs.values_list("pk", flat=True))
        said = StartEstimate.objects.filter(job__in=there)
        there -= set(said.filter(issued_at=issued_at).values_list("job", flat=True))
        newest = {row.job_id: row for row in said.filter(is_newest=True).defer("why", "nodes")}
        taken = milestones_taken(there)
        rows = [
            row
            for job in sorted(there)
            if (row := _row(estimates[job], issued_at, newest.get(job), taken))
        ]
        _supersede([newest[row.job_id] for row in rows if row.is_newest and row.job_id in newest])
        StartEstimate.objects.bulk_create(rows, batch_size=500)
        return len(rows)


def _row(
    estimate: NewEstimate, issued_at: datetime, newest: StartEstimate | None, taken: set[Milestone]
) -> StartEstimate | None:
    """The row to be stored; None for one that nobody will see nor judge by."""
    fields = asdict(estimate)
    fields["later_than_horizon"] = list(estimate.later_than_horizon)
    milestone = estimate.job_id, estimate.submit_at, estimate.milestone_minutes
    if estimate.submit_at is None or milestone in taken:
        fields["milestone_minutes"] = None
    is_late = estimate.is_replayed or (newest is not None and newest.issued_at > issued_at)
    if is_late and fields["milestone_minutes"] is None:
        return None
    return StartEstimate(issued_at=issued_at, is_newest=not is_late, **fields)


def _supersede(outdone: list[StartEstimate]) -> None:
    """Make room for newer ones: milestones and what changed stay as the record."""
    between = [row for row in outdone if row.milestone_minutes is None]
    kept = _last_kept([row.job_id for row in between])
    idle = {row.pk for row in between if not _is_news(row, kept.get(row.job_id))}
    StartEstimate.objects.filter(pk__in=idle).delete()
    staying = [row.pk for row in outdone if row.pk not in idle]
    StartEstimate.objects.filter(pk__in=staying).update(is_newest=False)


def _last_kept(jobs: Collection[int]) -> dict[int, StartEstimate]:
    live = StartEstimate.objects.filter(is_newest=False, is_replayed=False)
    last = live.filter(job=OuterRef("pk")).order_by("-issued_at").values("pk")[:1]
    pks = Job.objects.filter(pk__in=jobs).values_list(Subquery(last))
    rows = StartEstimate.objects.filter(pk__in=pks).defer("why", "nodes")
    return {row.job_id: row for row in rows}


def _is_news(row: StartEstimate, kept: StartEstimate | None) -> bool:
    if kept is None or kept.submit_at != row.submit_at:
        return True
    return row.issued_at - kept.issued_at >= KEPT_APART and not _says_the_same(row, kept)


def _says_the_same(row: StartEstimate, kept: StartEstimate) -> bool:
    def same(name: str) -> bool:
        now, before = getattr(row, name), getattr(kept, name)
        if now is None or before is None:
            return now is before
        return abs(now - before) <= max(NEAR, NEAR_SHARE * (before - kept.snapshot_at))

    return (
        row.reason_class == kept.reason_class
        and row.later_than_horizon == kept.later_than_horizon
        and all(same(name) for name in ("p10_at", "p50_at", "p90_at"))
    )
