"""Forecasts: an estimate or a reason for every waiting job, and how the service issues them.

So far one replica: every job is taken to run to its limit and nothing else to arrive, so p50 is the
planned start and the spread around it is not told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from planner.sim.results import PlannedStart, plan
from planner.snapshot import PendingJob, Snapshot, SnapshotNote, build, read_facts
from tracker.models import Cluster, Job
from tracker.polling import newest_outputs
from tracker.recording import NewEstimate, publish_estimates
from tracker.slurm.client import Slurm
from tracker.slurm.hostlist import compress
from tracker.slurm.reasons import Explanation, explain
from tracker.slurm.transports import ReplayTransport

HORIZON_S = 86_400
METHOD = "plan"  # how the estimates were made, kept with each


@dataclass(frozen=True, slots=True)
class JobForecast:
    """Quantiles of the start in seconds from the snapshot; all None: see ``why``."""

    pending: PendingJob
    reason_class: str
    why: str
    p10_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    later_than_horizon: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "job_id": self.pending.key,
            "p10_s": self.p10_s,
            "p50_s": self.p50_s,
            "p90_s": self.p90_s,
            "later_than_horizon": list(self.later_than_horizon),
            "reason_class": self.reason_class,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    snapshot_at: datetime
    replicas: int
    horizon_s: int
    jobs: tuple[JobForecast, ...]
    notes: tuple[SnapshotNote, ...]

    def as_json(self, now: datetime) -> dict[str, Any]:
        """Keys as ``manage.py forecast --json`` prints them."""
        return {
            "snapshot_at": self.snapshot_at.isoformat(),
            "age_s": round((now - self.snapshot_at).total_seconds(), 3),
            "replicas": self.replicas,
            "horizon_s": self.horizon_s,
            "jobs": [job.as_json() for job in self.jobs],
        }


def forecast(
    snapshot: Snapshot,
    *,
    replicas: int = 1,  # noqa: ARG001 (a plan by limits draws nothing: one replica says it all)
    seed: int = 0,  # noqa: ARG001
    horizon_s: int = HORIZON_S,
) -> Forecast:
    """The same snapshot gives the same forecast. One answer for each of ``snapshot.pending``."""
    starts = plan(snapshot.world, horizon_s)
    jobs = [_answer(pending, starts.get(pending.key)) for pending in snapshot.pending]
    return Forecast(
        snapshot_at=snapshot.taken_at,
        replicas=1,
        horizon_s=horizon_s,
        jobs=tuple(_together(jobs)),
        notes=snapshot.notes,
    )


def _answer(pending: PendingJob, planned: PlannedStart | None) -> JobForecast:
    said = explain(pending.record.reason)
    if pending.held is not None or planned is None:
        held = said if pending.held in (None, pending.record.reason) else explain(pending.held)
        return _without_start(pending, held)
    if planned.start_s is None and planned.never:
        return _without_start(pending, explain(planned.reason))
    later = planned.start_s is None
    return JobForecast(
        pending,
        said.reason_class,
        said.why,
        p50_s=planned.start_s,
        later_than_horizon=("p50",) if later else (),
        nodes=planned.nodes,
    )


def _without_start(pending: PendingJob, said: Explanation) -> JobForecast:
    why = pending.blocked or said.why
    cure = re.sub(r"\bID\b", pending.key, said.cure)  # ready to copy
    return JobForecast(pending, said.reason_class, f"{why} {cure}")


def _together(jobs: list[JobForecast]) -> list[JobForecast]:
    """Components of a het job start at once: each gets the latest of their starts, or none."""
    parts: dict[int | None, list[JobForecast]] = {}
    for job in jobs:
        parts.setdefault(job.pending.record.het_job_id, []).append(job)
    parts.pop(None, None)  # jobs of their own
    last = {
        het_id: max(group, key=lambda job: (job.p50_s is None, job.p50_s or 0.0))
        for het_id, group in parts.items()
    }
    return [
        replace(last.get(job.pending.record.het_job_id, job), pending=job.pending, nodes=job.nodes)
        for job in jobs
    ]


def newest_polls(cluster: Cluster) -> Slurm:
    """The newest stored answer to each command, to be asked as Slurm itself."""
    return Slurm(ReplayTransport(newest_outputs(cluster)))


def newest_snapshot(cluster: Cluster) -> Snapshot:
    """From the newest stored polls. Raises SlurmError where queue, nodes or partitions lack."""
    return build(read_facts(newest_polls(cluster)))


def issue(cluster: Cluster, *, replicas: int, seed: int, horizon_s: int) -> Forecast:
    """Forecast from the newest polls and publish: one estimate for each row of the queue."""
    made = forecast(newest_snapshot(cluster), replicas=replicas, seed=seed, horizon_s=horizon_s)
    open_jobs = Job.objects.filter(cluster=cluster, in_queue=True)
    pks = dict(open_jobs.values_list("job_id", "pk"))
    issued_at = timezone.now()
    publish_estimates(
        issued_at,
        [
            _estimate(pks[job_id], job, made)
            for job_id, job in _by_row(made).items()
            if job_id in pks
        ],
    )
    return made


def _by_row(made: Forecast) -> dict[int, JobForecast]:
    """By Slurm's raw id; the row of a whole array gets its first task's start, as squeue shows."""
    rows: dict[int, JobForecast] = {}
    for job in made.jobs:
        known = rows.setdefault(job.pending.record.job_id, job)
        if job.p50_s is not None and (known.p50_s is None or job.p50_s < known.p50_s):
            rows[job.pending.record.job_id] = job
    return rows


def _estimate(pk: int, job: JobForecast, made: Forecast) -> NewEstimate:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else made.snapshot_at + timedelta(seconds=seconds)

    return NewEstimate(
        job_id=pk,
        snapshot_at=made.snapshot_at,
        p10_at=at(job.p10_s),
        p50_at=at(job.p50_s),
        p90_at=at(job.p90_s),
        later_than_horizon=job.later_than_horizon,
        horizon_s=made.horizon_s,
        replicas=made.replicas,
        method=METHOD,
        # The class of a reason that is not known here has no letter.
        reason_class=job.reason_class if job.reason_class.isalpha() else "",
        why=job.why,
        nodes=compress(job.nodes),
        slurm_start_at=job.pending.record.start_at,
    )
