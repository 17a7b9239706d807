"""What the replicas said of past starts beside what came, as it was known at one instant: what a
calibration is fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast

from planner.calibration.told import FloatArray, IntArray, Told
from planner.quantiles import Quantiles
from planner.record.record_rows import EpochSeconds
from tracker.models import Cluster, StartEstimate

DAYS = 30
MOST = 20_000  # the newest of them
LEVELS = ("p10", "p50", "p90")
Outcome = StartEstimate.Outcome

_TIMES = (
    *("issued_at", "snapshot_at", "outcome_at"),
    *(f"raw_{level}_at" for level in LEVELS),
    *(f"history_{level}_at" for level in LEVELS),
)


@dataclass(frozen=True, slots=True, eq=False)
class ToldRecord:
    """``raw`` and ``history`` speak of the same rows, oldest first; waits count from the snapshot.
    What waited still is censored, as is what left the queue without a start."""

    raw: Told  # of the replicas, before calibration
    history: Told  # of recent waits of like jobs
    groups: Mapping[str, int]  # partitions as asked for, "gpu" or "cpu,gpu", to the group of rows
    pks: IntArray  # of the estimates

    @property
    def looks(self) -> int:
        """Instants whose forecasts have come true: what they err by together counts once."""
        return len(np.unique(self.raw.issued_s[~self.raw.is_censored]))

    @classmethod
    def of(cls, cluster: Cluster, at: datetime) -> ToldRecord:
        """Of forecasts at milestones; what came after ``at`` had not come."""
        estimates = StartEstimate.objects.filter(
            job__cluster=cluster,
            milestone_minutes__isnull=False,
            # The past of a demo runs by coarser rules than its present.
            is_replayed=False,
            method="ensemble",
            issued_at__gt=at - timedelta(days=DAYS),
            issued_at__lte=at,
        ).order_by("-issued_at", "-pk")
        rows = estimates.values_list(
            "pk",
            "partition",
            "outcome",
            Cast("later_than_horizon", TextField()),
            "horizon_s",
            *(EpochSeconds(name) for name in _TIMES),
        )[:MOST]
        return _record(list(rows)[::-1], at.timestamp())


def said_in(told: Told, rows: IntArray) -> list[Quantiles]:
    """Of rows in which all three were said."""
    return [Quantiles(*said) for said in told.quantiles_s[:, rows].T.tolist()]


def _record(rows: list[tuple[Any, ...]], at_s: float) -> ToldRecord:
    groups: dict[str, int] = {}
    group = np.array([groups.setdefault(row[1], len(groups)) for row in rows], dtype=np.int64)
    outcome = np.array([row[2] for row in rows], dtype=np.str_)
    horizon_s, *columns = (
        np.array([row[4:] for row in rows], dtype=np.float64).reshape(len(rows), 1 + len(_TIMES)).T
    )
    times_s = dict(zip(_TIMES, columns, strict=True))
    snapshot_s, outcome_s = times_s["snapshot_at"], times_s["outcome_at"]
    has_come = outcome_s <= at_s  # False where it is nan
    waits_still = (outcome == Outcome.OPEN) | (outcome_s > at_s)
    # Gone, and nobody knows when it was last seen: then it waited 0 s or longer.
    until_s = np.where(has_come, outcome_s, np.where(waits_still, at_s, snapshot_s))
    waited_s = np.maximum(until_s - snapshot_s, 0.0)
    is_censored = ~(has_come & (outcome == Outcome.STARTED))

    def said_s(source: str, level: str) -> FloatArray:
        return np.maximum(times_s[f"{source}_{level}_at"] - snapshot_s, 0.0)  # nan stays nan

    def raw_s(level: str) -> FloatArray:
        said = said_s("raw", level)
        is_later = np.array([f'"{level}"' in row[3] for row in rows], dtype=np.bool_)
        # Left open beside a P10: later, too, where history's word was told in its place.
        is_later |= np.isnan(said) & ~np.isnan(said_s("raw", "p10"))
        return np.where(is_later, horizon_s, said)  # the least that was said

    raw = Told(snapshot_s, *map(raw_s, LEVELS), waited_s, is_censored, group)
    history_s = [said_s("history", level) for level in LEVELS]
    history = Told(snapshot_s, *history_s, waited_s, is_censored, group)
    return ToldRecord(raw, history, groups, np.array([row[0] for row in rows], dtype=np.int64))
