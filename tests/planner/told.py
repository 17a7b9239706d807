"""Forecasts of a record, each of a job of its own, with what came of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

from tests.factories import make_job
from tracker.models import Cluster, StartEstimate

_job_ids = count(1)


def told(
    cluster: Cluster,
    snapshot_at: datetime,
    said_s: float | None = 600.0,
    came_s: float | None = 900.0,
    *,
    p10_s: float | None = None,
    p90_s: float | None = None,
    slurm_s: float | None = None,
    history_s: float | None = None,
    **fields: object,
) -> StartEstimate:
    """Seconds after the snapshot; None: not said, or nothing came of it yet."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else snapshot_at + timedelta(seconds=seconds)

    partition = str(fields.setdefault("partition", "gpu"))
    fields.setdefault("job", make_job(cluster, next(_job_ids), partition=partition, user="wanda"))
    defaults: dict[str, object] = {
        "issued_at": snapshot_at,
        "horizon_s": 86_400,
        "replicas": 1,
        "milestone_minutes": 0,
        "is_newest": False,
        "outcome": "" if came_s is None else "started",
        "outcome_at": at(came_s),
    }
    return StartEstimate.objects.create(
        snapshot_at=snapshot_at,
        p10_at=at(p10_s),
        p50_at=at(said_s),
        p90_at=at(p90_s),
        slurm_start_at=at(slurm_s),
        history_p10_at=at(history_s),
        history_p50_at=at(history_s),
        history_p90_at=at(history_s),
        **(defaults | fields),
    )
