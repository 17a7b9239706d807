"""How far expected starts moved since the live forecast before, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planner.forecasting.known import Known
from planner.models import Forecast
from planner.moves import Look, moves
from tracker.models import StartEstimate
from tracker.slurm.errors import SlurmError

BY_RECORD = "What came of past forecasts corrects this one otherwise than the one before."


@dataclass(frozen=True, slots=True)
class Middle:
    """Of a start: what was told, and what the replicas said; None: there were none."""

    told_at: datetime
    raw_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moved:
    moved_s: float  # later is positive
    since: datetime  # when the estimate before was issued
    why: str


def moved(known: Known, starts: Mapping[int, Middle], method: str) -> dict[int, Moved]:
    """By Slurm's raw id; ``starts`` are those that are told now.

    Empty where there is nothing to compare with: no forecast of this method before, or its polls
    are gone.
    """
    last = Forecast.newest_made(known.cluster)
    if last is None or last.facts_at is None:
        return {}
    before, issued_at = _told(last, method)
    if not before:
        return {}
    try:
        looked = Known.of(known.cluster, last.facts_at).snapshot
    except SlurmError:
        return {}
    found = moves(Look.of(looked, _told_at(before)), Look.of(known.snapshot, _told_at(starts)))
    return {
        job_id: Moved(
            move.moved_s,
            issued_at[job_id],
            BY_RECORD if _is_by_record(before[job_id], starts[job_id]) else move.why,
        )
        for job_id, move in found.items()
    }


def _told_at(starts: Mapping[int, Middle]) -> dict[int, datetime]:
    return {job_id: start.told_at for job_id, start in starts.items()}


def _is_by_record(before: Middle, now: Middle) -> bool:
    """Whether the replicas explain less than half of the way."""
    if before.raw_at is None or now.raw_at is None:
        return False
    way_s = (now.told_at - before.told_at).total_seconds()
    of_replicas_s = (now.raw_at - before.raw_at).total_seconds()
    return abs(way_s - of_replicas_s) > abs(way_s) / 2.0


def _told(last: Forecast, method: str) -> tuple[dict[int, Middle], dict[int, datetime]]:
    """Starts by raw id, and when they were told."""
    said = StartEstimate.objects.filter(
        job__cluster=last.cluster,
        job__in_queue=True,  # indexed, and few
        is_newest=True,
        snapshot_at=last.snapshot_at,
        method=method,
        p50_at__isnull=False,
    )
    starts: dict[int, Middle] = {}
    issued_at: dict[int, datetime] = {}
    columns = ("job__job_id", "p50_at", "raw_p50_at", "issued_at")
    for job_id, told_at, raw_at, issued in said.values_list(*columns):
        starts[job_id] = Middle(told_at, raw_at)
        issued_at[job_id] = issued
    return starts, issued_at
