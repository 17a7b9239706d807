"""A learner over what the replicas say and what the queue looked like; whether it is any better.

It is judged by starts that it has not learnt from: the record is cut at an instant, and a forest
that knows what was known by then foretells the rest. What has not started yet teaches it nothing,
so that it knows short waits a little too well; the calibration on the rest, in which such a job has
waited longer than so far, makes up for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from planner.accuracy import Scored, pinball_log
from planner.backtest.cases import Cases, FloatArray, IntArray, as_quantiles
from planner.backtest.learned import calibrated
from planner.calibration import Calibration, Told
from planner.forecasting.forecasts import JobForecast
from planner.learning import QuantileForest
from planner.learnt.learning_record import LearningRecord
from planner.learnt.start_features import FeatureRow, FeatureRows
from planner.models import Learnt
from planner.quantiles import Quantiles
from tracker.models import Cluster

CUT = 0.8  # share of the record, oldest first, that the forest to be judged may know
FEWEST_JUDGED = 50  # starts of a partition, else nothing is said of it
CLEARLY_BETTER = 0.95  # of the least loss of the others
SEED = 0  # the same record, the same forest
ROWS_AT_ONCE = 500  # a forest holds a table of these by all waits that it knows: 16 MB

Losses = dict[str, float]


def learn(
    cluster: Cluster, at: datetime, names_digest: str, *, fewest: int
) -> tuple[int, dict[str, Losses]]:
    """From the record as it was known at ``at``: starts that are known, and by partition as asked
    for the losses, once each part is calibrated, of learner, ensemble and history. Of fewer starts
    than ``fewest`` there are none."""
    record = LearningRecord.of(cluster, at, names_digest)
    cases = record.cases
    n = int(_started(cases).size)
    return n, (judged(record) if n >= fewest else {})


def judged(record: LearningRecord) -> dict[str, Losses]:
    """Pinball losses of log(1 + wait), of starts after the cut."""
    cases = record.cases
    learner_s = calibrated(cases, looked_ahead(cases), Calibration.fit_learner)
    ensemble_s = calibrated(cases, cases.said_s["ensemble"])
    history_s = cases.said_s["recent_like"]
    # Where too few jobs are alike, the ensemble speaks for history.
    said_s = {
        "learner": learner_s,
        "ensemble": ensemble_s,
        "history": np.where(np.isnan(history_s).any(axis=0), ensemble_s, history_s),
    }
    losses = {name: _losses(cases, each) for name, each in said_s.items()}
    comparable = ~np.isnan(np.stack(list(losses.values()))).any(axis=0)
    found: dict[str, Losses] = {}
    for asked, code in record.groups.items():
        rows = np.flatnonzero(comparable & (cases.partition == code))
        if rows.size >= FEWEST_JUDGED:
            means = {name: round(float(each[rows].mean()), 4) for name, each in losses.items()}
            found[asked] = {"n": int(rows.size), **means}
    return found


def looked_ahead(cases: Cases) -> FloatArray:
    """(3, cases): after the cut, what a forest says that knows what was known by then; nan before,
    and everywhere where it knows of no start."""
    cut = int(len(cases) * CUT)
    said_s = np.full((3, len(cases)), np.nan)
    known = cases.started(cut)
    if known.size:
        forest = QuantileForest.grow(cases.features[known], cases.waited_s[known], seed=SEED)
        said_s[:, cut:] = forest.quantiles_s(cases.features[cut:])
    return said_s


@dataclass(frozen=True, eq=False)
class Learner:
    """A version, grown again from the record that it rests on when it is first asked."""

    learnt: Learnt

    @classmethod
    def newest(cls, cluster: Cluster, at: datetime) -> Learner | None:
        """That was known at ``at``; one of each cluster is kept, as growing takes seconds."""
        done = cluster.learnt.filter(state=Learnt.State.DONE, snapshot_at__lte=at)
        learnt = done.order_by("-snapshot_at").first()
        if learnt is None or not learnt.losses:
            return None
        kept = _kept.get(cluster.pk)
        if kept is None or kept.learnt.pk != learnt.pk:
            kept = _kept[cluster.pk] = cls(learnt)
        return kept

    def is_best_for(self, asked: str) -> bool:
        """Whether it told the starts of jobs that asked for these partitions clearly better than
        the calibrated replicas and than history."""
        losses = self.learnt.losses.get(asked)
        if losses is None:
            return False
        others = min(losses["ensemble"], losses["history"])
        return bool(losses["learner"] < CLEARLY_BETTER * others)

    def told(
        self, jobs: Iterable[JobForecast], features: FeatureRows
    ) -> dict[int, tuple[Quantiles, str]]:
        """Of the wait that is left, and how it is known, by Slurm's raw id: of those jobs of which
        it tells best."""
        asked = [(job, ",".join(job.pending.record.partitions)) for job in jobs]
        best = [(job, names) for job, names in asked if self.is_best_for(names)]
        said = self.left([features.of(job) for job, _ in best], [names for _, names in best])
        return {
            job.pending.record.job_id: (left, self.how)
            for (job, _), left in zip(best, said, strict=True)
            if left is not None
        }

    def left(
        self, rows: Sequence[FeatureRow | None], asked: Sequence[str]
    ) -> list[Quantiles | None]:
        """Of the wait that is left, calibrated; None where a row has features of another kind."""
        told: list[Quantiles | None] = [None] * len(rows)
        known = {
            place: row.values
            for place, row in enumerate(rows)
            if row is not None and row.names_digest == self.learnt.names_digest
        }
        if not known:
            return told
        forest, calibration, groups = self._grown
        table = np.stack(list(known.values())).astype(np.float64)
        portions = np.split(table, range(ROWS_AT_ONCE, len(table), ROWS_AT_ONCE))
        said = as_quantiles(np.concatenate([forest.quantiles_s(each) for each in portions], axis=1))
        for place, raw in zip(known, said, strict=True):
            if raw is not None:
                told[place] = calibration.apply(raw, groups.get(asked[place], -1))
        return told

    @property
    def how(self) -> str:
        learnt = self.learnt
        return f"learnt from {learnt.starts:,} starts, version {learnt.pk} of {self._at:%Y-%m-%d}"

    @cached_property
    def _grown(self) -> tuple[QuantileForest, Calibration, Mapping[str, int]]:
        record = LearningRecord.of(self.learnt.cluster, self._at, self.learnt.names_digest)
        cases = record.cases
        known = _started(cases)
        forest = QuantileForest.grow(cases.features[known], cases.waited_s[known], seed=SEED)
        p10_s, p50_s, p90_s = looked_ahead(cases)
        told = Told(
            cases.submit_s, p10_s, p50_s, p90_s, cases.waited_s, cases.is_cancelled, cases.group
        )
        # A second more: what waits still is censored at that moment, but for the rounding.
        calibration = Calibration.fit_learner(told, self._at.timestamp() + 1.0)
        return forest, calibration, record.groups

    @property
    def _at(self) -> datetime:
        at: datetime | None = self.learnt.snapshot_at
        if at is None:
            raise ValueError(f"{self.learnt} rests on nothing yet; ask one that is done")
        return at


_kept: dict[int, Learner] = {}  # by primary key of the cluster


def _started(cases: Cases) -> IntArray:
    return np.flatnonzero(~cases.is_cancelled)


def _losses(cases: Cases, said_s: FloatArray) -> FloatArray:
    """nan of those that have not started, or of which not all three were said."""
    day = np.zeros(len(cases), dtype=np.int64)
    return pinball_log(
        Scored(said_s[0], said_s[1], said_s[2], cases.waited_s, cases.is_cancelled, day)
    )
