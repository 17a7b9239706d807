"""What the queue looks like to a waiting job when its forecast is issued, kept with the estimates
of the record: what a learner learns from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from planner.forecasting.forecasts import JobForecast
from planner.forecasting.known import Known
from planner.learnt.situating import Situations
from planner.models import StartFeatures
from planner.quantiles import Quantiles
from planner.record.past_waits import RecentWaits
from tracker.models import StartEstimate

IDS_PER_QUERY = 10_000  # below SQLite's 32,766 variables
STORED = np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRow:
    names_digest: str
    values: npt.NDArray[np.float32]  # nan: unknown

    @classmethod
    def of(cls, features: Mapping[str, float]) -> FeatureRow:
        return cls(digest(features), np.array(list(features.values()), dtype=STORED))


def digest(names: Iterable[str]) -> str:
    """Of what a row has, in its order."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


class FeatureRows:
    """Of the jobs of a forecast; each is looked at when first asked for, and once."""

    def __init__(self, known: Known, waits: RecentWaits, horizon_s: float) -> None:
        self._known = known
        self._waits = waits
        self._horizon_s = horizon_s
        self._rows: dict[str, FeatureRow | None] = {}

    def of(self, job: JobForecast) -> FeatureRow | None:
        """None: the replicas say nothing of the job."""
        key = job.pending.key
        if key not in self._rows:
            self._rows[key] = self._looked_at(job)
        return self._rows[key]

    def _looked_at(self, job: JobForecast) -> FeatureRow | None:
        if job.p50_s is None and not job.later_than_horizon:
            return None
        record = job.pending.record
        waited = self._known.snapshot.taken_at - (record.submit_at or self._known.at)
        said = {
            "ensemble": self._least(job),
            "recent_like": self._waits.left(record, max(waited.total_seconds(), 0.0)),
        }
        features = self._situations.features(record, said)
        return None if features is None else FeatureRow.of(features)

    def _least(self, job: JobForecast) -> Quantiles:
        """What the replicas say, and the horizon of what is later: as in the record."""
        said_s = {"p10": job.p10_s, "p50": job.p50_s, "p90": job.p90_s}
        said_s |= dict.fromkeys(job.later_than_horizon, self._horizon_s)
        return Quantiles(said_s["p10"], said_s["p50"], said_s["p90"])

    @cached_property
    def _situations(self) -> Situations:
        return Situations(self._known.snapshot, self._known.past, self._waits.started)


def keep(issued_at: datetime, looked_at: Mapping[int, FeatureRow | None]) -> None:
    """With the estimates of the record that were issued then, by primary key of the job. Safe to
    run twice."""
    rows = {job: row for job, row in looked_at.items() if row is not None}
    jobs = sorted(rows)
    for first in range(0, len(jobs), IDS_PER_QUERY):
        said = StartEstimate.objects.filter(
            job__in=jobs[first : first + IDS_PER_QUERY],
            issued_at=issued_at,
            milestone_minutes__isnull=False,
        )
        StartFeatures.objects.bulk_create(
            (
                StartFeatures(
                    estimate_id=pk,
                    names_digest=rows[job].names_digest,
                    values=rows[job].values.astype(STORED).tobytes(),
                )
                for pk, job in said.values_list("pk", "job")
            ),
            batch_size=500,
            ignore_conflicts=True,
        )
