"""Forecasts issued: published with all that their record needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from planner.forecasting.calibrating import Calibrator
from planner.forecasting.forecasts import JobForecast, QueueForecast
from planner.forecasting.known import Known
from planner.forecasting.moved import Middle, moved
from planner.forecasting.start_columns import history_columns, start_columns
from planner.learnt.learner import Learner
from planner.learnt.start_features import FeatureRows, keep
from planner.record.milestones import last_reached
from planner.record.past_waits import RecentWaits
from planner.snapshot.facts import NEEDED
from tracker.models import Attempt, Cluster, StartEstimate
from tracker.recording import NewEstimate, milestones_taken, publish_estimates

IDS_PER_QUERY = 10_000  # below SQLite's 32,766 variables

Columns = dict[str, object]  # of NewEstimate


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the queue whose attempt is known here, and what is forecast for it."""

    pk: int  # of the Job
    submit_at: datetime
    job: JobForecast

    def waited_s(self, at: datetime) -> float:
        return max((at - self.submit_at).total_seconds(), 0.0)


def publish(known: Known, made: QueueForecast, issued_at: datetime, *, is_replayed: bool) -> None:
    """An estimate for each row of the queue whose attempt is known here."""
    rows = _known_rows(known.cluster, made)
    waits = RecentWaits(known.cluster, issued_at)
    features = FeatureRows(known, waits, made.horizon_s)
    told = _told(known, made, rows, issued_at, features)
    of_record = _of_record(waits, made, rows)
    moves = {} if is_replayed else _moves(known, made, rows, told)
    estimates = (
        NewEstimate(
            job_id=pk,
            is_replayed=is_replayed,
            **columns,
            **of_record.get(pk, {}),
            **moves.get(pk, {}),
        )
        for pk, columns in told.items()
    )
    publish_estimates(issued_at, estimates)
    if made.method == "ensemble" and not is_replayed:
        keep(issued_at, {row.pk: features.of(row.job) for row in rows if row.pk in of_record})


def publish_first(known: Known, made: QueueForecast, issued_at: datetime) -> None:
    """From the first replicas, while more are on their way: for jobs of which nothing was said yet.

    The others keep what all replicas of the forecast before have said. Nothing enters the record.
    """
    rows = _known_rows(known.cluster, made)
    newest = StartEstimate.objects.filter(
        job__cluster=known.cluster, job__in_queue=True, is_newest=True
    )
    said = set(newest.values_list("job", "submit_at"))
    new = [row for row in rows if (row.pk, row.submit_at) not in said]
    features = FeatureRows(known, RecentWaits(known.cluster, issued_at), made.horizon_s)
    told = _told(known, made, new, issued_at, features)
    publish_estimates(issued_at, (NewEstimate(job_id=pk, **each) for pk, each in told.items()))


def _known_rows(cluster: Cluster, made: QueueForecast) -> list[Row]:
    by_id = _by_id(made.jobs)
    ids = sorted(by_id)
    rows = []
    for first in range(0, len(ids), IDS_PER_QUERY):
        some = Attempt.objects.filter(
            job__cluster=cluster, job__job_id__in=ids[first : first + IDS_PER_QUERY]
        )
        for job_id, submit_at, pk in some.values_list("job__job_id", "submit_at", "job"):
            if submit_at == by_id[job_id].pending.record.submit_at:
                rows.append(Row(pk, submit_at, by_id[job_id]))
    return rows


def _by_id(jobs: Iterable[JobForecast]) -> dict[int, JobForecast]:
    """By Slurm's raw id; the row of a whole array gets its first task's start, as squeue shows."""
    rows: dict[int, JobForecast] = {}
    for job in jobs:
        known = rows.setdefault(job.pending.record.job_id, job)
        if job.p50_s is not None and (known.p50_s is None or job.p50_s < known.p50_s):
            rows[job.pending.record.job_id] = job
    return rows


def _told(
    known: Known,
    made: QueueForecast,
    rows: Iterable[Row],
    issued_at: datetime,
    features: FeatureRows,
) -> dict[int, Columns]:
    """By primary key of the job: what is said of it, and on what grounds."""
    learner = Learner.newest(known.cluster, issued_at) if made.method == "ensemble" else None
    learnt = {} if learner is None else learner.told([row.job for row in rows], features)
    calibrator = Calibrator(known.cluster, issued_at, learnt)
    behind = _behind_others(made)
    ages_s = known.ages_s(issued_at)
    inputs_age_s = max(ages_s[name] for name in NEEDED)
    told: dict[int, Columns] = {}
    for row in rows:
        record = row.job.pending.record
        told[row.pk] = {
            "submit_at": row.submit_at,
            "partition": ",".join(record.partitions),
            "inputs_age_s": inputs_age_s,
            "is_of_array": len(record.array_tasks) > 1,
            "expects_queue": behind[record.job_id],
            "slurm_start_at": record.start_at,
            **start_columns(row.job, made, calibrator),
        }
    return told


def _of_record(past: RecentWaits, made: QueueForecast, rows: Iterable[Row]) -> dict[int, Columns]:
    """Of those that reach a milestone: which, and what history alone says."""
    taken = milestones_taken([row.pk for row in rows])
    columns: dict[int, Columns] = {}
    for row in rows:
        waited_s = row.waited_s(made.snapshot_at)
        minutes = last_reached(waited_s)
        if (row.pk, row.submit_at, minutes) not in taken:
            left = past.left(row.job.pending.record, waited_s)
            history = history_columns(left, made.snapshot_at)
            columns[row.pk] = {"milestone_minutes": minutes, **history}
    return columns


def _moves(
    known: Known, made: QueueForecast, rows: Iterable[Row], told: Mapping[int, Columns]
) -> dict[int, Columns]:
    """Of those that moved since the forecast before: how far, and why."""
    pks = {row.job.pending.record.job_id: row.pk for row in rows}
    starts = {job_id: middle for job_id, pk in pks.items() if (middle := _middle(told[pk]))}
    return {
        pks[job_id]: {
            "moved_s": one.moved_s,
            "moved_since": one.since,
            "moved_why": one.why,
        }
        for job_id, one in moved(known, starts, made.method).items()
    }


def _middle(told: Columns) -> Middle | None:
    told_at, raw_at = told["p50_at"], told["raw_p50_at"]
    if not isinstance(told_at, datetime):
        return None
    return Middle(told_at, raw_at if isinstance(raw_at, datetime) else None)


def _behind_others(made: QueueForecast) -> dict[int, bool | None]:
    """By raw id, whether a job waits that came earlier, in one of its own partitions.

    A job that nothing here can start is no queue. None: its submission is not known.
    """
    first: dict[str, tuple[datetime, int]] = {}
    for job in made.jobs:
        record = job.pending.record
        if job.pending.held is None and record.submit_at is not None:
            place = record.submit_at, record.job_id
            first |= {name: min(first.get(name, place), place) for name in record.partitions}
    return {
        record.job_id: None
        if record.submit_at is None
        else any(
            name in first and first[name] < (record.submit_at, record.job_id)
            for name in record.partitions
        )
        for record in (job.pending.record for job in made.jobs)
    }
