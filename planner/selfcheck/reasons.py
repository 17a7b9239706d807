"""Reasons: what the model says keeps a job waiting against squeue, by what would end the wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from planner.selfcheck.starts import Pair
from planner.snapshot import PendingJob
from tracker.slurm.reasons import ReasonClass, classify


@dataclass(frozen=True, slots=True)
class ReasonRow:
    pending: PendingJob
    told: str
    own: str

    @property
    def agrees(self) -> bool:
        return classify(self.told) is classify(self.own)


def compare(pairs: Iterable[Pair]) -> list[ReasonRow]:
    """Jobs that are held are left out, as the model has their reason from squeue; so are those that
    Slurm has not looked at yet, and reasons that nobody here knows."""
    rows = (
        ReasonRow(pair.pending, pair.pending.record.reason or "None", pair.reason)
        for pair in pairs
        if pair.pending.held is None
    )
    return [
        row for row in rows if row.told != "None" and classify(row.told) is not ReasonClass.UNKNOWN
    ]
