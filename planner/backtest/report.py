"""What the answers were worth: one set of figures per method and stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.accuracy import (
    STRATA,
    DayBlocks,
    Interval,
    Score,
    Scored,
    answered_by_all,
    pinball_log,
    pinball_s,
    score,
    score_intervals,
    skill_interval,
    strata,
)
from planner.accuracy.scored import BoolArray
from planner.quantiles import Quantiles
from planner.traces.jobs import Trace, TraceJob

DAY_S = 86400.0
FIGURES = (
    "n", "n_censored", "median_ae_s", "mae_s", "pinball", "pinball_log", "within_factor_2",
    "within_10_min", "coverage_p90", "coverage_p90_randomised", "width_p90_s", "answer_rate",
)  # fmt: skip
WITH_INTERVAL = ("pinball", "median_ae_s", "mae_s", "coverage_p90")
# That skill is told against: what history alone says.
REFERENCES = ("zero", "recent_median", "recent_like", "bmbp")
SKILLS = {"skill": pinball_s, "skill_log": pinball_log}
# Chosen by what came of a job, even a calibrated bound looks short: not to be told there.
OF_OUTCOME = ("queued", "immediate")
JUDGED_AT_ISSUE = ("coverage_p90", "coverage_p90_randomised")


@dataclass(frozen=True, slots=True)
class Row:
    """One method in one stratum."""

    score: Score
    intervals: Mapping[str, Interval | None]

    def as_json(self, stratum: str) -> dict[str, Any]:
        told: dict[str, Any] = {name: getattr(self.score, name) for name in FIGURES}
        intervals = dict(self.intervals)
        if stratum in OF_OUTCOME:
            told |= dict.fromkeys(JUDGED_AT_ISSUE)
            intervals["coverage_p90"] = None
        return told | {"interval": {key: each and list(each) for key, each in intervals.items()}}


Rows = Mapping[str, Mapping[str, Row]]  # by method or layer, and stratum


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of the targets, in their order."""

    methods: Mapping[str, Sequence[Quantiles | None]]
    layers: Mapping[str, Sequence[Quantiles | None]]  # parts of the product, see learned.layers
    expects_queue: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Report:
    """Every figure is over the targets that all methods and layers answered, so that all are judged
    on the same; only ``answer_rate`` is over all targets of the stratum."""

    asked: int
    answered: int  # by all
    methods: Rows
    layers: Rows


def as_json(rows: Rows) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        name: {stratum: row.as_json(stratum) for stratum, row in by_stratum.items()}
        for name, by_stratum in rows.items()
    }


def make_report(trace: Trace, targets: Sequence[int], said: Said, seed: int) -> Report:
    """``seed`` draws days for the intervals and decides ties; the same seed, the same report."""
    every = _scored(trace, targets, {**said.methods, **said.layers})
    some = next(iter(every.values()))
    parts = strata(some, said.expects_queue)
    common = answered_by_all(list(every.values()))
    days, ties = np.random.SeedSequence(seed).spawn(2)
    blocks = DayBlocks.draw(some.day, np.random.default_rng(days))
    rows: dict[str, dict[str, Row]] = {name: {} for name in every}
    for stratum in STRATA:
        kept = parts[stratum] & common
        here = {name: scored.take(kept) for name, scored in every.items()}
        drawn = blocks.take(kept)
        for name, scored in every.items():
            # Ties are drawn alike for every method: what differs is then the methods' own doing.
            figures = score(here[name], np.random.default_rng(ties))
            rate = _share(scored.is_answered[parts[stratum]])
            intervals = _intervals(name, here, drawn)
            rows[name][stratum] = Row(replace(figures, answer_rate=rate), intervals)
    of_methods = {name: rows[name] for name in said.methods}
    of_layers = {name: rows[name] for name in said.layers}
    return Report(len(targets), int(common.sum()), of_methods, of_layers)


def _scored(
    trace: Trace, targets: Sequence[int], said: Mapping[str, Sequence[Quantiles | None]]
) -> dict[str, Scored]:
    jobs = [trace.jobs[target] for target in targets]
    is_censored = [job.wait_s is None for job in jobs]
    waited_s = [_waited_s(job) for job in jobs]
    day = [int(job.asked.submit_s // DAY_S) for job in jobs]
    return {name: Scored.of(each, waited_s, is_censored, day) for name, each in said.items()}


def _waited_s(job: TraceJob) -> float:
    waited_s = job.cancelled_wait_s if job.wait_s is None else job.wait_s
    if waited_s is None:
        raise ValueError(f"nothing is known of how long job {job.asked.job_id} waited: no target")
    return waited_s


def _intervals(
    name: str, scored: Mapping[str, Scored], drawn: DayBlocks
) -> dict[str, Interval | None]:
    found = score_intervals(scored[name], drawn)
    intervals = {key: found[key] for key in WITH_INTERVAL}
    for other in REFERENCES:
        if other in scored and other != name:
            for skill, loss in SKILLS.items():
                versus = skill_interval(scored[name], scored[other], loss, drawn)
                intervals[f"{skill}_{other}"] = versus
    return intervals


def _share(answered: BoolArray) -> float | None:
    return float(answered.mean()) if answered.size else None
