"""How long one waits, by the hour of submission: from the futures, then from what history knows of
that hour of the week."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any, Literal

import numpy as np

from planner.advice.fitting import Fitting
from planner.advice.option import Option
from planner.advice.words import Clock
from planner.ensemble import quantiles
from planner.ensemble.chance import FloatArray
from planner.ensemble.spread import LEVELS
from planner.quantiles import Quantiles

HOUR_S = 3600.0
HOURS = 168
LIKE_SIZE = 2.0  # jobs of at most so many times the CPUs, and at least that part of them, are alike
LIKE_HOURS = 1.5  # on either side of an hour of the week
FEWEST = 8  # waits that a range is told from
_WEEK_HOURS = 168.0
_SOME = (np.arange(20) + 0.5) / 20  # quantiles that stand for all waits, where they are combined

Basis = Literal["futures", "history", "none"]


@dataclass(frozen=True, slots=True)
class PastWait:
    """Of a job that has started."""

    submitted_at: datetime
    procs: float
    partition: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class HourPoint:
    submit_at: datetime
    submit_s: float  # from the snapshot
    wait: Quantiles
    finish_p50_s: float | None  # from the snapshot; None: not known
    later_than_horizon: tuple[str, ...]
    basis: Basis
    n: int  # futures, or past waits, that it rests on
    waits_s: FloatArray = field(repr=False, compare=False)  # infinite: beyond the horizon

    def as_json(self) -> dict[str, Any]:
        return {
            "submit_at": self.submit_at.isoformat(),
            "wait": asdict(self.wait),
            "finish_p50_s": self.finish_p50_s,
            "later_than_horizon": list(self.later_than_horizon),
            "basis": self.basis,
            "n": self.n,
        }


class PastWeek:
    """Waits of jobs like one, by the local hour of the week in which they were submitted."""

    def __init__(
        self, history: Sequence[PastWait], partition: str, procs: float, clock: Clock
    ) -> None:
        alike = [
            wait for wait in history if wait.partition == partition and _is_alike(wait.procs, procs)
        ]
        self._clock = clock
        self._hour = np.array([self._hour_of_week(one.submitted_at) for one in alike])
        self._wait_s = np.array([one.wait_s for one in alike], dtype=np.float64)

    def waits_s(self, at: datetime) -> FloatArray:
        """Of that hour of the week; of that hour of any day where those are too few."""
        if not len(self._hour):
            return self._wait_s
        apart = np.abs(self._hour - self._hour_of_week(at))
        for cycle in (_WEEK_HOURS, 24.0):
            around = apart % cycle
            found = self._wait_s[np.minimum(around, cycle - around) <= LIKE_HOURS]
            if len(found) >= FEWEST:
                break
        return found

    def _hour_of_week(self, at: datetime) -> float:
        local = at.astimezone(self._clock.zone)
        return local.weekday() * 24 + local.hour + local.minute / 60


def _is_alike(procs: float, other: float) -> bool:
    return other / LIKE_SIZE <= procs <= other * LIKE_SIZE


def by_hour(fitting: Fitting, option: Option, history: Sequence[PastWait]) -> Iterator[HourPoint]:
    """One each full hour from the snapshot on, a week of them. A wait of the futures is told as
    long as its middle is within their horizon, then that of history, where there is enough."""
    probe = fitting.probe(option.request, option.partition)
    run, clock = fitting.run(option.request, probe), fitting.clock
    week = PastWeek(history, option.partition, float(probe.cpus), clock)
    for hour in range(HOURS):
        submit_s = hour * HOUR_S
        at = clock.time(submit_s)
        fitted: HourPoint | None = None
        if submit_s < fitting.horizon_s:
            fits = fitting.fits(option.request, option.partition, submit_s=submit_s)
            waits_s = fits.start_s[:, 0] - submit_s
            ends_s = run.ends_s(fits.start_s[:, 0], fits.limits_s[0])
            fitted = _point(at, submit_s, waits_s, ends_s, "futures")
            if fitted.wait.p50_s is not None:
                yield fitted
                continue
        past_s = week.waits_s(at)
        if len(past_s) >= FEWEST:
            ends_s = submit_s + np.add.outer(np.quantile(past_s, _SOME), run.quantiles_s).ravel()
            yield _point(at, submit_s, past_s, ends_s, "history")
        else:
            yield fitted or _point(at, submit_s, np.empty(0), np.empty(0), "none")


def _point(
    at: datetime, submit_s: float, waits_s: FloatArray, ends_s: FloatArray, basis: Basis
) -> HourPoint:
    waits_s = waits_s[~np.isnan(waits_s)]
    if not len(waits_s):
        return HourPoint(
            at, submit_s, Quantiles(None, None, None), None, (), "none", 0, waits_s=waits_s
        )
    said = quantiles(waits_s[:, np.newaxis])[:, 0].tolist()
    p10_s, p50_s, p90_s = (wait_s if isfinite(wait_s) else None for wait_s in said)
    levels = LEVELS if len(waits_s) > 1 else ("p50",)
    wait = Quantiles(p10_s, p50_s, p90_s) if len(waits_s) > 1 else Quantiles(None, p50_s, None)
    finish_s = float(quantiles(ends_s[:, np.newaxis])[1, 0])
    return HourPoint(
        submit_at=at,
        submit_s=submit_s,
        wait=wait,
        finish_p50_s=finish_s if isfinite(finish_s) else None,
        later_than_horizon=tuple(
            level
            for level, wait_s in zip(LEVELS, said, strict=True)
            if level in levels and not isfinite(wait_s)
        ),
        basis=basis,
        n=len(waits_s),
        waits_s=waits_s,
    )
