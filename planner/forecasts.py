"""Forecasts: an estimate or a reason for every waiting job. ``planner.issuing`` publishes them.

So far one replica: every job is taken to run to its limit and nothing else to arrive, so p50 is the
planned start and the spread around it is not told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from planner.sim.results import PlannedStart, plan
from planner.snapshot import PendingJob, Snapshot, SnapshotNote
from tracker.models import Cluster
from tracker.polling import newest_outputs
from tracker.slurm.client import Slurm
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
