"""Priorities: the model's own factors against sprio, factor by factor and in sum.

Without the correction that a snapshot makes to meet the queue's priorities: that would hide here
what it cures there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import median

from planner.selfcheck.moments import Moments
from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.views import WaitingJob
from planner.snapshot import Facts, PendingJob, build
from planner.snapshot.rows import shared_id
from tracker.slurm.records import PriorityFactors

SUM = "PRIORITY"
ROUNDING = 1.0  # sprio prints whole units, and the sum is cut
_SETTINGS = {
    "AGE": "PriorityWeightAge",
    "ASSOC": "PriorityWeightAssoc",
    "FAIRSHARE": "PriorityWeightFairShare",
    "JOBSIZE": "PriorityWeightJobSize",
    "PARTITION": "PriorityWeightPartition",
    "QOS": "PriorityWeightQOS",
}
_CAUSES = {
    "AGE": "age counted from another time",
    "FAIRSHARE": "another rank in the share tree",
    "JOBSIZE": "another count of nodes or CPUs",
    "PARTITION": "another PriorityJobFactor",
    "QOS": "another priority of the QOS",
    "ASSOC": "another priority of the association",
}


@dataclass(frozen=True, slots=True)
class Ageing:
    """How far the model's age may lie from sprio's, in units of priority.

    sprio tells the age as of the last calc period; the model's is that of the queue.
    """

    low: float
    high: float

    @classmethod
    def of(cls, config: PriorityConfig, facts: Facts, moments: Moments) -> Ageing:
        per_s = config.weight_age / config.max_age_s if config.max_age_s > 0 else 0.0
        asked_at = moments.priorities_at or facts.taken_at
        skew_s = (facts.taken_at - asked_at).total_seconds()
        return cls(min(0.0, skew_s * per_s), (config.calc_period_s + max(0.0, skew_s)) * per_s)

    def allows(self, factor: str, difference: float) -> bool:
        """Whether the model's part less sprio's is no more than ageing and rounding."""
        ages = factor in ("AGE", SUM)
        low, high = (self.low, self.high) if ages else (0.0, 0.0)
        return low - ROUNDING <= difference <= high + ROUNDING


@dataclass(frozen=True, slots=True)
class PriorityRow:
    """One waiting job in one partition: what sprio and the model say of each part, and of SUM."""

    pending: PendingJob
    partition: str
    told: Mapping[str, float]
    own: Mapping[str, float]  # has every key of told
    age_is_told: bool  # the model took sprio's age, being another than eligibility says

    def difference(self, factor: str) -> float:
        return self.own[factor] - self.told[factor]


@dataclass(frozen=True, slots=True)
class FactorAgreement:
    """One factor over all rows that sprio tells it of."""

    factor: str
    rows: int
    agree: int
    largest: float  # difference, the model's less sprio's
    job: str  # that has it
    why: str  # "" where all agree


@dataclass(frozen=True, slots=True)
class Priorities:
    rows: tuple[PriorityRow, ...]
    ageing: Ageing
    factors: tuple[FactorAgreement, ...]

    def differing(self) -> list[PriorityRow]:
        """Rows whose sum differs, the largest difference first."""
        rows = [r for r in self.rows if not self.ageing.allows(SUM, r.difference(SUM))]
        return sorted(rows, key=lambda row: -abs(row.difference(SUM)))

    def why(self, row: PriorityRow) -> str:
        """The factors that make up the difference of a row."""
        parts = [
            f"{name} {row.own[name]:.0f} for {row.told[name]:.0f}"
            for name in row.told
            if name != SUM and not self.ageing.allows(name, row.difference(name))
        ]
        return ", ".join(parts) or "a priority set by hand, or a factor that is not modelled"


def compare(facts: Facts, moments: Moments) -> Priorities:
    """Rows without a word from sprio, or held in the model, which prices none of these, are left
    out."""
    # The correction finds nothing to correct to; 0 stays, as it means held.
    queue = [row if not row.priority else replace(row, priority=None) for row in facts.queue]
    snapshot = build(replace(facts, queue=queue))
    config = snapshot.world.config.priority
    told = {(one.job_id, one.partition): one for one in facts.priorities}
    pending = {one.key: one for one in snapshot.pending}
    rows: dict[tuple[int, str], PriorityRow] = {}
    for waiting in Simulation(snapshot.world).queue():
        job = pending[str(waiting.job.key)]
        record = job.record
        factors = told.get((shared_id(record), waiting.partition)) or told.get(
            (record.job_id, waiting.partition)
        )
        if factors is not None and job.held is None:
            row = _row(job, waiting, factors, config)
            rows.setdefault((record.job_id, waiting.partition), row)
    ageing = Ageing.of(config, facts, moments)
    found = tuple(rows.values())
    return Priorities(found, ageing, tuple(_by_factor(found, ageing, config)))


def _row(
    pending: PendingJob, waiting: WaitingJob, told: PriorityFactors, config: PriorityConfig
) -> PriorityRow:
    own = waiting.factors.weighted(config) | {SUM: float(waiting.priority)}
    parts: dict[str, float | None] = {
        "AGE": told.age,
        "ASSOC": told.assoc,
        "FAIRSHARE": told.fair_share,
        "JOBSIZE": told.job_size,
        "PARTITION": told.partition_factor,
        "QOS": told.qos,
        **{name: told.tres.get(name, 0.0) for name in config.weight_tres},
        SUM: float(told.priority),
    }
    job = waiting.job
    return PriorityRow(
        pending,
        waiting.partition,
        told={name: value for name, value in parts.items() if value is not None},
        own=own,
        age_is_told=job.age_from_s not in (None, job.eligible_s, job.submit_s),
    )


def _by_factor(
    rows: tuple[PriorityRow, ...], ageing: Ageing, config: PriorityConfig
) -> Iterator[FactorAgreement]:
    for factor in dict.fromkeys(name for row in rows for name in row.told):
        of_it = [row for row in rows if factor in row.told]
        differing = [row for row in of_it if not ageing.allows(factor, row.difference(factor))]
        worst = max(differing or of_it, key=lambda row: abs(row.difference(factor)))
        yield FactorAgreement(
            factor,
            rows=len(of_it),
            agree=len(of_it) - len(differing),
            largest=worst.difference(factor),
            job=worst.pending.key,
            why=_why(factor, differing, config) if differing else "",
        )


def _why(factor: str, differing: list[PriorityRow], config: PriorityConfig) -> str:
    if factor == SUM:
        return "see the factors"
    weight = _weight(factor, config)
    setting = _SETTINGS.get(factor, f"PriorityWeightTRES {factor}")
    if not weight:
        return f"{setting} is 0 here"
    # Small parts are mostly rounding: they tell no ratio.
    ratios = [r.told[factor] / r.own[factor] for r in differing if r.own[factor] > 20 * ROUNDING]
    if len(ratios) >= 3 and 0 < max(ratios) < 1.1 * min(ratios):
        seems = float(f"{weight * median(ratios):.3g}")
        return f"as if {setting} were about {seems:,.0f}, not {weight:,g}"
    return _CAUSES.get(factor, "another amount asked for, or another total of the partition")


def _weight(factor: str, config: PriorityConfig) -> float:
    return {
        "AGE": config.weight_age,
        "ASSOC": config.weight_assoc,
        "FAIRSHARE": config.weight_fair_share,
        "JOBSIZE": config.weight_job_size,
        "PARTITION": config.weight_partition,
        "QOS": config.weight_qos,
        **config.weight_tres,
    }[factor]
