"""What a site's own record makes of a forecast: calibrated, or given up for what a learner or
history says.

The replicas are given up where the self-check finds that the model does not repeat Slurm, where a
learner over them and the queue has told starts better that it did not know, and where history alone
has told the newest starts better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from planner.accuracy import Scored, pinball_log
from planner.baselines import bmbp
from planner.calibration import Calibration
from planner.forecasting.told_record import IntArray, ToldRecord, said_in
from planner.models import SelfCheck
from planner.quantiles import Quantiles
from planner.record.past_waits import RecentWaits
from planner.selfcheck import Trust
from tracker.models import Cluster
from tracker.slurm.records import QueuedJob

FEWEST = 20  # starts: a calibration from fewer changes nothing
FEWEST_LOOKS = 10  # instants that these were forecast at
COMPARED = 300  # newest starts of a group, over which replicas and history are judged
FEWEST_COMPARED = 50
# The replicas know the queue, which changes; history must have been clearly better.
CLEARLY_BETTER = 0.95  # of their loss
CHECK_COUNTS_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Calibrator:
    """Of a cluster, by what was known at ``at``; it is read when first asked for, and once."""

    cluster: Cluster
    at: datetime
    # What a learner says, and how it knows, by Slurm's raw id: of jobs of which it tells better.
    learnt: Mapping[int, tuple[Quantiles, str]] = field(default_factory=dict)

    def left(self, record: QueuedJob, said: Quantiles) -> tuple[Quantiles, str]:
        """What to tell of the wait that is left, of which the replicas said so much, and how it was
        found, in words: "" where nothing was changed.

        What the replicas left unsaid, as it is later than their horizon, calibration does too.
        """
        asked = ",".join(record.partitions)
        distrusted = self._distrusted.intersection(record.partitions)
        history, why = None, ""
        if distrusted:
            names = " and ".join(sorted(distrusted))
            why = f"the self-check does not trust the simulation of {names}"
            history = self._bounded(record)
        elif record.job_id in self.learnt:
            return self.learnt[record.job_id]
        elif asked in self._beaten:
            why = f"they told the newest starts of {asked} jobs better"
            history = self._waits.left(record, self._waited_s(record))
        if history is not None:
            return history, f"replaced by the waits of like jobs, as {why}"
        told, how = self._calibrated(asked, said)
        but = f"{why}, but too few jobs are like this one" if why else ""
        return told, "; ".join(filter(None, (how, but)))

    def _calibrated(self, asked: str, said: Quantiles) -> tuple[Quantiles, str]:
        code = self._record.groups.get(asked, -1)
        group, pooled = self._calibration.of(code), self._calibration.pooled
        of = group if group.n >= FEWEST else pooled
        if of.n < FEWEST or self._record.looks < FEWEST_LOOKS:
            return said, ""
        return self._calibration.apply(said, code), f"calibrated on {of.n:,} scored forecasts"

    def _bounded(self, record: QueuedJob) -> Quantiles | None:
        """With nothing better known, nine times in ten is promised by the binomial bound."""
        waited_s = self._waited_s(record)
        like = self._waits.left(record, waited_s)
        bound = self._waits.left(record, waited_s, method=bmbp)
        if like is None or bound is None:
            return like
        return replace(like, p90_s=max(like.p90_s or 0.0, bound.p90_s or 0.0))

    def _waited_s(self, record: QueuedJob) -> float:
        return max((self.at - (record.submit_at or self.at)).total_seconds(), 0.0)

    @cached_property
    def _waits(self) -> RecentWaits:
        return RecentWaits(self.cluster, self.at)

    @cached_property
    def _record(self) -> ToldRecord:
        return ToldRecord.of(self.cluster, self.at)

    @cached_property
    def _calibration(self) -> Calibration:
        # A second more: what waits still is censored at that moment, but for the rounding.
        return Calibration.fit(self._record.raw, self.at.timestamp() + 1.0)

    @cached_property
    def _distrusted(self) -> frozenset[str]:
        """Partitions, by the last check."""
        done = self.cluster.self_checks.filter(
            state=SelfCheck.State.DONE,
            snapshot_at__lte=self.at,
            snapshot_at__gt=self.at - CHECK_COUNTS_FOR,
        )
        last = done.order_by("-snapshot_at").first()
        verdicts = {} if last is None or last.result is None else last.result["verdicts"]
        return frozenset(
            name for name, one in verdicts.items() if one["trust"] == Trust.NOT_TRUSTED
        )

    @cached_property
    def _beaten(self) -> frozenset[str]:
        """Partitions, as asked for, of which history told the newest starts better.

        The replicas are judged as calibrated by the same starts, which flatters them a little.
        """
        record = self._record
        said = record.raw.quantiles_s + record.history.quantiles_s
        judged = ~np.isnan(said).any(axis=0) & ~record.raw.is_censored
        return frozenset(
            asked
            for asked, code in record.groups.items()
            if self._is_beaten(np.flatnonzero(judged & (record.raw.group == code))[-COMPARED:])
        )

    def _is_beaten(self, rows: IntArray) -> bool:
        if rows.size < FEWEST_COMPARED:
            return False
        record = self._record
        calibrated = [
            self._calibration.apply(said, code)
            for said, code in zip(
                said_in(record.raw, rows), record.raw.group[rows].tolist(), strict=True
            )
        ]
        ours, theirs = (
            pinball_log(
                Scored.of(said, record.raw.waited_s[rows], record.raw.is_censored[rows], rows)
            ).mean()
            for said in (calibrated, said_in(record.history, rows))
        )
        return bool(theirs < CLEARLY_BETTER * ours)
