"""What a site's record teaches a learner: situations at issue and what came of them, as it was
known at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from planner.backtest.cases import Cases
from planner.forecasting.told_record import DAYS, ToldRecord
from planner.learnt.start_features import STORED
from planner.models import StartFeatures
from tracker.models import Cluster

MOST = 4_000  # the newest of them


@dataclass(frozen=True, slots=True, eq=False)
class LearningRecord:
    """``cases`` have the answers of "ensemble" and of "recent_like"."""

    cases: Cases
    groups: Mapping[str, int]  # partitions as asked for, to the partition of the cases

    @classmethod
    def of(cls, cluster: Cluster, at: datetime, names_digest: str) -> LearningRecord:
        """Of rows that have just these features; what came after ``at`` had not come."""
        record = ToldRecord.of(cluster, at)
        stored = dict(
            StartFeatures.objects.filter(
                estimate__job__cluster=cluster,
                estimate__issued_at__gt=at - timedelta(days=DAYS),
                estimate__issued_at__lte=at,
                names_digest=names_digest,
            ).values_list("estimate", "values")
        )
        has_features = np.array([pk in stored for pk in record.pks.tolist()], dtype=np.bool_)
        rows = np.flatnonzero(has_features)
        rows = rows[np.argsort(record.raw.issued_s[rows], kind="stable")][-MOST:]
        raw, history = record.raw.take(rows), record.history.take(rows)
        values = b"".join(stored[pk] for pk in record.pks[rows].tolist())
        cases = Cases(
            submit_s=raw.issued_s,
            waited_s=raw.waited_s,
            is_cancelled=raw.is_censored,
            partition=raw.group,
            group=raw.group,
            said_s={"ensemble": raw.quantiles_s, "recent_like": history.quantiles_s},
            features=np.frombuffer(values, STORED)
            .astype(np.float64)
            .reshape(rows.size, -1 if rows.size else 0),
            names=(),
        )
        return cls(cases, record.groups)


def newest_digest(cluster: Cluster, at: datetime) -> str:
    """Of the features that are kept nowadays; "" where none are."""
    kept = StartFeatures.objects.filter(
        estimate__job__cluster=cluster, estimate__issued_at__lte=at
    ).order_by("-estimate__issued_at", "-pk")
    return kept.values_list("names_digest", flat=True).first() or ""
