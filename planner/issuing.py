"""Forecasts issued: made from stored polls, and published with all that their record needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from planner.forecasts import METHOD, Forecast, JobForecast, forecast
from planner.milestones import last_reached
from planner.past_waits import RecentWaits
from planner.quantiles import Quantiles
from planner.snapshot import build, read_facts
from planner.snapshot.facts import NEEDED, READ
from tracker.models import Attempt, Cluster
from tracker.polling import newest_outputs, outputs_as_of
from tracker.recording import NewEstimate, milestones_taken, publish_estimates
from tracker.slurm.client import Slurm
from tracker.slurm.hostlist import compress
from tracker.slurm.transports import ReplayTransport

IDS_PER_QUERY = 10_000  # below SQLite's 32,766 variables

AttemptKey = tuple[int, datetime]  # Slurm's raw id, submission


@dataclass(frozen=True, slots=True)
class Issued:
    forecast: Forecast
    issued_at: datetime
    input_ages_s: dict[str, float]  # by command, when it was issued


def issue(
    cluster: Cluster,
    *,
    replicas: int,
    seed: int,
    horizon_s: int,
    as_of: datetime | None = None,
) -> Issued:
    """Forecast and publish an estimate for each row of the queue: from the newest polls, or as it
    would have been done at ``as_of``, from what was known by then.

    Raises SlurmError where queue, nodes or partitions lack.
    """
    outputs = newest_outputs(cluster) if as_of is None else outputs_as_of(cluster, as_of)
    snapshot = build(read_facts(Slurm(ReplayTransport(outputs))))
    made = forecast(snapshot, replicas=replicas, seed=seed, horizon_s=horizon_s)
    issued_at = timezone.now() if as_of is None else as_of
    read_at = {name: outputs[name].started_at for name in READ if name in outputs}
    ages_s = {name: (issued_at - at).total_seconds() for name, at in read_at.items()}
    issued = Issued(made, issued_at, ages_s)
    publish_estimates(issued_at, _estimates(cluster, issued, is_replayed=as_of is not None))
    return issued


def _estimates(cluster: Cluster, issued: Issued, *, is_replayed: bool) -> Iterator[NewEstimate]:
    """For the attempts that are known here; what history says only for those of the record."""
    made = issued.forecast
    rows = _by_row(made)
    pks = _known_attempts(cluster, rows)
    behind = _behind_others(made)
    taken = milestones_taken(pks.values())
    past = RecentWaits(cluster, issued.issued_at)
    inputs_age_s = max(issued.input_ages_s[name] for name in NEEDED)
    for (job_id, submit_at), pk in pks.items():
        job = rows[job_id]
        waited_s = max((made.snapshot_at - submit_at).total_seconds(), 0.0)
        minutes = last_reached(waited_s)
        is_due = (pk, submit_at, minutes) not in taken
        record = job.pending.record
        yield NewEstimate(
            job_id=pk,
            submit_at=submit_at,
            partition=",".join(record.partitions),
            inputs_age_s=inputs_age_s,
            is_of_array=len(record.array_tasks) > 1,
            is_replayed=is_replayed,
            milestone_minutes=minutes if is_due else None,
            expects_queue=behind[job_id],
            slurm_start_at=record.start_at,
            **_said(job, made),
            **_by_history(past.left(record, waited_s) if is_due else None, made.snapshot_at),
        )


def _by_row(made: Forecast) -> dict[int, JobForecast]:
    """By Slurm's raw id; the row of a whole array gets its first task's start, as squeue shows."""
    rows: dict[int, JobForecast] = {}
    for job in made.jobs:
        known = rows.setdefault(job.pending.record.job_id, job)
        if job.p50_s is not None and (known.p50_s is None or job.p50_s < known.p50_s):
            rows[job.pending.record.job_id] = job
    return rows


def _known_attempts(cluster: Cluster, rows: Mapping[int, JobForecast]) -> dict[AttemptKey, int]:
    """Primary keys of the jobs whose attempts the rows speak of."""
    wanted = {(job_id, job.pending.record.submit_at) for job_id, job in rows.items()}
    ids = sorted(rows)
    found: dict[AttemptKey, int] = {}
    for first in range(0, len(ids), IDS_PER_QUERY):
        some = Attempt.objects.filter(
            job__cluster=cluster, job__job_id__in=ids[first : first + IDS_PER_QUERY]
        )
        for job_id, submit_at, pk in some.values_list("job__job_id", "submit_at", "job"):
            if (job_id, submit_at) in wanted:
                found[job_id, submit_at] = pk
    return found


def _behind_others(made: Forecast) -> dict[int, bool | None]:
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


def _said(job: JobForecast, made: Forecast) -> dict[str, object]:
    return {
        "snapshot_at": made.snapshot_at,
        "p10_at": _at(job.p10_s, made.snapshot_at),
        "p50_at": _at(job.p50_s, made.snapshot_at),
        "p90_at": _at(job.p90_s, made.snapshot_at),
        "later_than_horizon": job.later_than_horizon,
        "horizon_s": made.horizon_s,
        "replicas": made.replicas,
        "method": METHOD,
        # The class of a reason that is not known here has no letter.
        "reason_class": job.reason_class if job.reason_class.isalpha() else "",
        "why": job.why,
        "nodes": compress(job.nodes),
    }


def _by_history(left: Quantiles | None, snapshot_at: datetime) -> dict[str, datetime | None]:
    if left is None:
        return {}
    return {
        "history_p10_at": _at(left.p10_s, snapshot_at),
        "history_p50_at": _at(left.p50_s, snapshot_at),
        "history_p90_at": _at(left.p90_s, snapshot_at),
    }


def _at(seconds: float | None, snapshot_at: datetime) -> datetime | None:
    return None if seconds is None else snapshot_at + timedelta(seconds=seconds)
