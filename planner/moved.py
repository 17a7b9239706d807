"""How far expected starts moved since the live forecast before, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planner.known import Known
from planner.models import Forecast
from planner.moves import Look, Move, expected_ends, moves
from tracker.models import StartEstimate
from tracker.slurm.errors import SlurmError


@dataclass(frozen=True, slots=True)
class Moved:
    move: Move
    since: datetime  # when the estimate before was issued


def moved(known: Known, starts: Mapping[int, datetime], method: str) -> dict[int, Moved]:
    """By Slurm's raw id; ``starts`` are the middle estimates that are told now.

    Empty where there is nothing to compare with: no forecast of this method before, or its polls
    are gone.
    """
    last = Forecast.newest_made(known.cluster)
    told = {} if last is None else _told(last, method)
    if last is None or last.facts_at is None or not told:
        return {}
    try:
        before = Known.of(known.cluster, last.facts_at).snapshot
    except SlurmError:
        return {}
    starts_before = {job_id: start_at for job_id, (start_at, _) in told.items()}
    looks = [
        Look.of(snapshot, told_then, expected_ends(snapshot, known.past.runs))
        for snapshot, told_then in ((before, starts_before), (known.snapshot, starts))
    ]
    found = moves(*looks)
    return {job_id: Moved(move, told[job_id][1]) for job_id, move in found.items()}


def _told(last: Forecast, method: str) -> dict[int, tuple[datetime, datetime]]:
    """Starts by raw id, and when they were told."""
    said = StartEstimate.objects.filter(
        job__cluster=last.cluster,
        job__in_queue=True,  # indexed, and few
        is_newest=True,
        snapshot_at=last.snapshot_at,
        method=method,
        p50_at__isnull=False,
    )
    columns = ("job__job_id", "p50_at", "issued_at")
    return {job_id: (p50, issued) for job_id, p50, issued in said.values_list(*columns)}
