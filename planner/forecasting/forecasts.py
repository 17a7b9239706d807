"""Forecasts: an estimate or a reason for every waiting job; ``issuing`` publishes them.

With a past, the spread of many simulated futures; without one a single plan, in which every job
runs to its limit and nothing else arrives: then P50 alone is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np

from planner.ensemble import Past, Spread, Starts, run_batch
from planner.quantiles import Quantiles
from planner.sim.jobs import Key
from planner.sim.results import PlannedStart, at_origin, plan
from planner.snapshot import PendingJob, Snapshot, SnapshotNote
from tracker.slurm.reasons import Explanation, explain

HORIZON_S = 86_400

Method = Literal["plan", "ensemble"]  # how the estimates were made, kept with each
_UNSAID = Quantiles(None, None, None)


@dataclass(frozen=True, slots=True)
class JobForecast:
    """Seconds from the snapshot, ``p10_s`` to ``p90_s`` of the start; all None: see ``why``."""

    pending: PendingJob
    reason_class: str
    why: str
    p10_s: float | None = None
    p50_s: float | None = None
    p90_s: float | None = None
    later_than_horizon: tuple[str, ...] = ()
    p_within_10_min: float | None = None
    finish: Quantiles = _UNSAID
    nodes: tuple[str, ...] = ()  # of the plan; replicas differ in them

    def as_json(self) -> dict[str, Any]:
        return {
            "job_id": self.pending.key,
            "p10_s": self.p10_s,
            "p50_s": self.p50_s,
            "p90_s": self.p90_s,
            "later_than_horizon": list(self.later_than_horizon),
            "reason_class": self.reason_class,
            "why": self.why,
            "p_within_10_min": self.p_within_10_min,
            "finish": {
                "p10_s": self.finish.p10_s,
                "p50_s": self.finish.p50_s,
                "p90_s": self.finish.p90_s,
            },
        }


@dataclass(frozen=True, slots=True)
class QueueForecast:
    """Of every waiting job of one snapshot."""

    snapshot_at: datetime
    method: Method
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
    past: Past | None = None,
    *,
    replicas: int = 1,
    seed: int = 0,
    horizon_s: int = HORIZON_S,
) -> QueueForecast:
    """One answer for each of ``snapshot.pending``; the same arguments give the same forecast.

    A past that knows nothing is none: then there is one replica, the plan.
    """
    if past is not None and not past.is_blank:
        batch = run_batch(
            snapshot.world, past, seed=seed, replicas=range(replicas), horizon_s=horizon_s
        )
        return answers(snapshot, batch, horizon_s)
    planned = plan(snapshot.world, horizon_s)
    return _forecast(snapshot, "plan", _as_starts(planned), planned, horizon_s)


def answers(snapshot: Snapshot, starts: Starts, horizon_s: int) -> QueueForecast:
    """The forecast of replicas of the snapshot's world, joined."""
    is_never = np.isnan(starts.start_s).all(axis=0)
    looked_at = at_origin(snapshot.world) if is_never.any() else {}
    return _forecast(snapshot, "ensemble", starts, looked_at, horizon_s)


def _as_starts(planned: Mapping[Key, PlannedStart]) -> Starts:
    """One replica. When a job ends is not said: its limit is no estimate of that."""
    start_s = [
        one.start_s if one.start_s is not None else np.nan if one.never else np.inf
        for one in planned.values()
    ]
    start_s_of_one = np.array([start_s], dtype=np.float64)
    return Starts(tuple(planned), start_s_of_one, np.full_like(start_s_of_one, np.nan))


def _forecast(
    snapshot: Snapshot,
    method: Method,
    starts: Starts,
    looked_at: Mapping[Key, PlannedStart],
    horizon_s: int,
) -> QueueForecast:
    starts = starts.together(_het_jobs(snapshot.pending))
    spread = Spread(starts)
    jobs = [_answer(waiting, spread, looked_at) for waiting in snapshot.pending]
    return QueueForecast(
        snapshot_at=snapshot.taken_at,
        method=method,
        replicas=starts.replicas,
        horizon_s=horizon_s,
        jobs=tuple(_none_without_all(jobs)),
        notes=snapshot.notes,
    )


def _answer(
    waiting: PendingJob, spread: Spread, looked_at: Mapping[Key, PlannedStart]
) -> JobForecast:
    said = explain(waiting.record.reason)
    told = spread.told(waiting.key)
    if waiting.held is not None:
        is_same = waiting.held == waiting.record.reason
        return _without_start(waiting, said if is_same else explain(waiting.held))
    if told is None:
        at_origin = looked_at.get(waiting.key)
        return _without_start(waiting, said if at_origin is None else explain(at_origin.reason))
    nodes = looked_at[waiting.key].nodes if waiting.key in looked_at else ()
    return JobForecast(
        waiting,
        said.reason_class,
        said.why,
        p10_s=told.start.p10_s,
        p50_s=told.start.p50_s,
        p90_s=told.start.p90_s,
        later_than_horizon=told.later_than_horizon,
        p_within_10_min=told.p_within_10_min,
        finish=told.finish,
        nodes=nodes,
    )


def _without_start(waiting: PendingJob, said: Explanation) -> JobForecast:
    why = waiting.blocked or said.why
    cure = re.sub(r"\bID\b", waiting.key, said.cure)  # ready to copy
    return JobForecast(waiting, said.reason_class, f"{why} {cure}")


def _het_jobs(pending: Iterable[PendingJob]) -> list[list[Key]]:
    """Components start at once: the keys of each job that has some."""
    parts: dict[int, list[Key]] = {}
    for waiting in pending:
        if waiting.record.het_job_id is not None:
            parts.setdefault(waiting.record.het_job_id, []).append(waiting.key)
    return list(parts.values())


def _none_without_all(jobs: Sequence[JobForecast]) -> list[JobForecast]:
    """A het job of which one component has no start has none."""
    stuck = {
        job.pending.record.het_job_id: job
        for job in jobs
        if job.p50_s is None and not job.later_than_horizon
    }
    stuck.pop(None, None)  # jobs of their own
    return [
        replace(stuck.get(job.pending.record.het_job_id, job), pending=job.pending) for job in jobs
    ]
