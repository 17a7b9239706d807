"""Pairs of runs of one load, probes in their default and in their advised form: what it did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.cluster.advised import LOAD, PROBES
from tests.cluster.outcomes import Truth, read_truth

DEFAULT, ADVISED = "default", "advised"
# Limits here are of minutes, where those of clusters are of hours: a minute is what ten are there.
NEAR_S, NEAR_SHARE = 60.0, 0.1
LOOKS_S = 15.0  # the cluster's sched_interval: a start that is due comes so late
RESAMPLED = 2000
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Waited:
    """Seconds from submission to start; of one that had not started then, to the end."""

    wait_s: float
    is_censored: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """One probe in both forms."""

    told: Mapping[str, Any]
    words: Sequence[str]  # of the default form
    default: Waited
    advised: Waited

    @property
    def gain_s(self) -> float:
        return self.default.wait_s - self.advised.wait_s

    @property
    def harms(self) -> bool:
        return self.gain_s < -max(NEAR_S, NEAR_SHARE * self.default.wait_s)

    @property
    def is_changed(self) -> bool:
        """Whether advice was other than the default; the others show how alike two runs are."""
        return not self.told["is_default"]

    @property
    def by_p90(self) -> bool | None:
        """Whether the advised form started by what was promised; None: nothing was."""
        bound_s = (
            inf if "p90" in self.told.get("later_than_horizon", ()) else self.told.get("p90_s")
        )
        if bound_s is None:
            return None
        return not self.advised.is_censored and self.advised.wait_s <= bound_s + LOOKS_S


@dataclass(frozen=True, slots=True)
class Twins:
    """Both runs of a load."""

    name: str
    probes: list[Pair]
    others_s: FloatArray  # (2, jobs): waits of the load, in the default and the advised run

    @classmethod
    def read(cls, folder: Path) -> Twins:
        one, other = (_Run.read(folder / form) for form in (DEFAULT, ADVISED))
        pairs = [
            Pair(told, asked["words"], one.waited(asked["job_id"]), other.waited(told["job_id"]))
            for asked, told in zip(one.probes, other.probes, strict=True)
        ]
        both = sorted(one.others_s.keys() & other.others_s.keys())
        others_s = [[run.others_s[key] for key in both] for run in (one, other)]
        return cls(folder.name, pairs, np.array(others_s, dtype=np.float64))

    @property
    def interference_s(self) -> float:
        """How much longer the jobs of the load waited in the mean where probes took advice."""
        return float(self.others_s[1].mean() - self.others_s[0].mean())


@dataclass(frozen=True, slots=True)
class _Run:
    probes: list[dict[str, Any]]
    others_s: dict[tuple[int, str], float]  # by place in the load and task
    truth: Truth

    @classmethod
    def read(cls, folder: Path) -> _Run:
        truth = read_truth(folder)
        places = {job_id: place for place, job_id in json.loads((folder / LOAD).read_text())}
        others_s: dict[tuple[int, str], float] = {}
        for key, job in truth.started.items():
            job_id, _, task = key.partition("_")
            if int(job_id) in places and job.start_at and job.submit_at:
                wait_s = (job.start_at - job.submit_at).total_seconds()
                others_s[places[int(job_id)], task] = wait_s
        return cls(json.loads((folder / PROBES).read_text()), others_s, truth)

    def waited(self, job_id: int) -> Waited:
        job = self.truth.started.get(str(job_id))
        if job is not None and job.start_at and job.submit_at:
            return Waited((job.start_at - job.submit_at).total_seconds(), is_censored=False)
        submit_at = next(one["submitted_at"] for one in self.probes if one["job_id"] == job_id)
        return Waited(self.truth.until.timestamp() - submit_at, is_censored=True)


@dataclass(frozen=True, slots=True)
class Interval:
    """95 % of resampled pairs of runs."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


Of = Callable[[Sequence[Twins]], float]


def interval(twins: Sequence[Twins], of: Of) -> Interval:
    """``of`` the twins; probes of a run are alike, so that runs are drawn, not probes."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(twins), size=(RESAMPLED, len(twins)))
    again = [of([twins[place] for place in draw]) for draw in draws]
    low, high = np.quantile(again, (0.025, 0.975)).tolist()
    return Interval(of(twins), low, high)


def median_gain_s(twins: Sequence[Twins]) -> float:
    return float(np.median([pair.gain_s for pair in _probes(twins)]))


def mean_gain_s(twins: Sequence[Twins]) -> float:
    return float(np.mean([pair.gain_s for pair in _probes(twins)]))


def harm_rate(twins: Sequence[Twins]) -> float:
    return float(np.mean([pair.harms for pair in _probes(twins)]))


def interference_s(twins: Sequence[Twins]) -> float:
    return float(np.mean([one.interference_s for one in twins]))


def _probes(twins: Sequence[Twins]) -> list[Pair]:
    return [pair for one in twins for pair in one.probes]


def report(twins: Sequence[Twins]) -> str:
    return "\n".join(_lines(twins)) + "\n"


def _lines(twins: Sequence[Twins]) -> Iterator[str]:
    probes = _probes(twins)
    changed = [pair for pair in probes if pair.is_changed]
    same = [pair for pair in probes if not pair.is_changed]
    censored = sum(pair.default.is_censored or pair.advised.is_censored for pair in probes)
    promised = [pair.by_p90 for pair in probes if pair.by_p90 is not None]
    default_s = np.mean([pair.default.wait_s for pair in probes])
    others_s = np.mean([one.others_s[0].mean() for one in twins])
    yield (
        f"{len(twins)} pairs of runs, {len(probes)} probes in both forms; of {len(changed)} advice"
        f" was other than the default, {censored} had not started at the end in one of them."
    )
    yield ""
    yield "| | value (95 % of resampled pairs of runs) |"
    yield "|---|---|"
    yield f"| gain s, median | {interval(twins, median_gain_s)} |"
    yield f"| gain s, mean, of a mean wait of {default_s:.0f} | {interval(twins, mean_gain_s)} |"
    yield f"| share later by > 60 s and > 10 % | {interval(twins, harm_rate)} |"
    if changed:
        gains = [pair.gain_s for pair in changed]
        yield f"| gain s of changed ones, median | {np.median(gains):.0f} |"
        yield f"| share of changed ones harmed | {np.mean([p.harms for p in changed]):.2f} |"
    if same:
        apart = np.median([abs(pair.gain_s) for pair in same])
        yield f"| difference s of unchanged ones, median | {apart:.0f} |"
    if promised:
        yield f"| started by the P90 promised | {np.mean(promised):.2f} |"
    yield (
        f"| others wait longer s, of a mean of {others_s:.0f} | {interval(twins, interference_s)} |"
    )
    yield ""
    yield "| run | probe | default form | wait s | advised form | promised P50, P90 s | wait s |"
    yield "|---|---|---|---|---|---|---|"
    for one in twins:
        for number, pair in enumerate(one.probes):
            told = "as asked" if not pair.is_changed else _short(pair.told["words"], pair.words)
            promise = ", ".join(_seconds(pair.told.get(name)) for name in ("p50_s", "p90_s"))
            yield (
                f"| {one.name} | {number} | {' '.join(pair.words)} | {pair.default.wait_s:.0f} |"
                f" {told} | {promise} | {pair.advised.wait_s:.0f} |"
            )


def _short(words: Sequence[str], other: Sequence[str]) -> str:
    return " ".join(word for word in words if word not in other)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
