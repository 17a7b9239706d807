"""How good the forecasts of a cluster were: measured from its record, and kept for five minutes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from django.core.cache import cache

from planner.accuracy import (
    DayBlocks,
    Interval,
    Points,
    ReliabilityPoint,
    Score,
    Scored,
    absolute_error_s,
    answered_by_all,
    predicted_against_actual,
    reliability,
    score,
    sentence,
    skill,
    skill_interval,
)
from planner.accuracy.coverage import Coverage
from planner.accuracy.losses import is_within_factor_2
from planner.accuracy.scored import BoolArray, FloatArray
from planner.record.record_rows import RecordRows, record_rows
from tracker.models import Actor, Cluster

DAYS = (7, 30, 90)
MILESTONES = {0: "at submission", 10: "after 10 min", 60: "after 1 h", 360: "after 6 h"}
RANGES_S = (0.0, 60.0, 600.0, 3600.0, 21_600.0, 86_400.0, float("inf"))
FRESH = timedelta(minutes=5)
KEEP_S = 3600  # an older one is shown while somebody measures anew
MEASURING_S = 60
SEED = 20_261_127  # the same rows give the same figures
POINTS_SHOWN = 1000  # a method: the picture stays quick to draw


@dataclass(frozen=True, slots=True)
class Choice:
    """Which forecasts: issued in the last ``days``, of jobs that asked for ``partition`` (empty:
    any) and had waited ``milestone_minutes`` by then."""

    days: int = 30
    partition: str = ""
    milestone_minutes: int = 0

    @property
    def what(self) -> str:
        jobs = f"{self.partition} jobs" if self.partition else "jobs"
        waited = MILESTONES[self.milestone_minutes].removeprefix("after ")
        return f"{jobs} that had waited {waited}" if self.milestone_minutes else jobs


@dataclass(frozen=True, slots=True)
class Against:
    """Another method beside ours. Errors are over the ``n`` rows that both answered and whose jobs
    have started; skill is 1 - our mean absolute error / theirs there."""

    answer_rate: float | None  # theirs, of all rows
    n: int
    ours_median_ae_s: float | None
    theirs_median_ae_s: float | None
    ours_within_factor_2: float | None
    theirs_within_factor_2: float | None
    skill: float | None
    skill_interval: Interval | None  # 90 %, by days drawn anew; None: too few days


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one group of forecasts."""

    name: str  # a partition, or minutes waited
    n_started: int
    n_gone: int  # cancelled while they waited, or gone from the queue unseen
    n_open: int  # waiting still
    n_replayed: int  # made later, from stored polls
    n_p90: int  # started, and told a 90 % time
    score: Score
    slurm: Against
    history: Against

    @property
    def n_scored(self) -> int:
        return self.n_started + self.n_gone


@dataclass(frozen=True, slots=True)
class SaidRange:
    """Forecasts that said a wait of ``low_s`` up to ``high_s``, and the waits that came."""

    low_s: float
    high_s: float | None  # None: and more
    n: int
    p10_s: float
    p50_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class TrackRecord:
    choice: Choice
    made_at: datetime
    sentence: str
    figures: Figures
    coverage_interval: Interval | None  # of the 90 % time, of the middle where none was told
    partitions: tuple[Figures, ...]
    milestones: tuple[Figures, ...]
    reliability: tuple[ReliabilityPoint, ...]
    history_reliability: tuple[ReliabilityPoint, ...]
    points: Points
    slurm_points: Points
    ranges: tuple[SaidRange, ...]
    slurm_ranges: tuple[SaidRange, ...]
    newest_outcome_at: datetime | None
    one_job_in: int  # more than 1: measured from every so many-th job, for there are so many


def track_record(cluster: Cluster, choice: Choice, now: datetime) -> TrackRecord:
    """At most FRESH old, or as old as it takes another caller to measure it anew."""
    key = _key(cluster, choice)
    kept: TrackRecord | None = cache.get(key)
    is_old = kept is None or now - kept.made_at >= FRESH
    if kept is not None and not (is_old and cache.add(f"{key}-measuring", True, MEASURING_S)):
        return kept
    made = measure(record_rows(cluster, choice.days, now), choice, now)
    cache.set(key, made, KEEP_S)
    cache.delete(f"{key}-measuring")
    return made


def record_for(actor: Actor, cluster: Cluster, choice: Choice, now: datetime) -> TrackRecord:
    """Without the partitions that the actor may not know of."""
    record = track_record(cluster, choice, now)
    if actor.is_staff:  # who see those that are gone from the cluster, too
        return record
    seen = partitions_seen_by(actor, cluster)
    return replace(record, partitions=tuple(p for p in record.partitions if p.name in seen))


def partitions_seen_by(actor: Actor, cluster: Cluster) -> list[str]:
    return list(actor.partitions().filter(cluster=cluster).values_list("name", flat=True))


def kept_track_record(cluster: Cluster, choice: Choice, now: datetime) -> TrackRecord | None:
    """Without a query: None where there is none that is fresh."""
    kept: TrackRecord | None = cache.get(_key(cluster, choice))
    return kept if kept is not None and now - kept.made_at < FRESH else None


def _key(cluster: Cluster, choice: Choice) -> str:
    # A partition's name may hold what caches take for no key.
    chosen = hashlib.sha256(repr(choice).encode()).hexdigest()[:24]
    return f"track-record-1-{cluster.pk}-{chosen}"


def measure(rows: RecordRows, choice: Choice, now: datetime) -> TrackRecord:
    rng = np.random.default_rng(SEED)
    blocks = DayBlocks.draw(rows.ours.day, rng)
    at_milestone = rows.milestone_minutes == choice.milestone_minutes
    in_partition = (
        rows.in_partition(choice.partition) if choice.partition else np.ones_like(at_milestone)
    )

    def figures(name: str, mask: BoolArray) -> Figures:
        return _figures(name, rows.take(mask), blocks.take(mask), rng)

    mask = at_milestone & in_partition
    chosen = rows.take(mask)
    whole = figures(choice.partition, mask)
    slurms = score(chosen.slurm, rng)
    bound_s = chosen.ours.p90_s if whole.n_p90 else chosen.ours.p50_s
    return TrackRecord(
        choice=choice,
        made_at=now,
        sentence=sentence(whole.score, slurms, choice.what) if whole.n_scored else "",
        figures=whole,
        coverage_interval=blocks.take(mask).coverage(Coverage.of(chosen.ours, bound_s)),
        partitions=tuple(
            figures(name, at_milestone & rows.in_partition(name))
            for name in rows.take(at_milestone).partitions
        ),
        milestones=tuple(
            figures(str(minutes), in_partition & (rows.milestone_minutes == minutes))
            for minutes in MILESTONES
        ),
        reliability=reliability(chosen.ours),
        history_reliability=reliability(chosen.history),
        points=predicted_against_actual(chosen.ours, POINTS_SHOWN),
        slurm_points=predicted_against_actual(chosen.slurm, POINTS_SHOWN),
        ranges=_ranges(chosen.ours),
        slurm_ranges=_ranges(chosen.slurm),
        newest_outcome_at=rows.newest_outcome_at,
        one_job_in=rows.one_job_in,
    )


def _figures(name: str, rows: RecordRows, blocks: DayBlocks, rng: np.random.Generator) -> Figures:
    started = ~rows.ours.is_censored
    return Figures(
        name=name,
        n_started=int(started.sum()),
        n_gone=int((~started & ~rows.is_open).sum()),
        n_open=int(rows.is_open.sum()),
        n_replayed=int(rows.is_replayed.sum()),
        n_p90=int((started & ~np.isnan(rows.ours.p90_s)).sum()),
        score=score(rows.ours, rng),
        slurm=_against(rows.ours, rows.slurm, blocks),
        history=_against(rows.ours, rows.history, blocks),
    )


def _against(ours: Scored, theirs: Scored, blocks: DayBlocks) -> Against:
    shared = answered_by_all([ours, theirs]) & ~ours.is_censored
    pair = (ours.take(shared), theirs.take(shared))
    off_s = [_middle(absolute_error_s(scored)) for scored in pair]
    within = [_mean(is_within_factor_2(scored)) for scored in pair]
    return Against(
        _mean(theirs.is_answered.astype(np.float64)),
        int(shared.sum()),
        *off_s,
        *within,
        skill(ours, theirs, absolute_error_s),
        skill_interval(ours, theirs, absolute_error_s, blocks),
    )


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if values.size else None


def _middle(values: FloatArray) -> float | None:
    return float(np.median(values)) if values.size else None


def _ranges(scored: Scored) -> tuple[SaidRange, ...]:
    is_shown = scored.is_answered & ~scored.is_censored
    return tuple(
        SaidRange(low_s, None if np.isinf(high_s) else high_s, waits_s.size, *_spread(waits_s))
        for low_s, high_s in pairwise(RANGES_S)
        if (
            waits_s := scored.actual_s[is_shown & (scored.p50_s >= low_s) & (scored.p50_s < high_s)]
        ).size
    )


def _spread(waits_s: FloatArray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(waits_s, (0.1, 0.5, 0.9))
    return float(low), float(middle), float(high)
