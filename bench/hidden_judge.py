"""What came of advice in hidden worlds: figures over questions, with intervals by world."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
import numpy.typing as npt

from bench.hidden_case import Case, Choice, Followed, near_s

FloatArray = npt.NDArray[np.float64]
Unit = Literal["share", "min", "count"]
Over = Callable[[FloatArray], float]
Value = Callable[[Case], float | None]

RESAMPLED = 1000
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """``low`` to ``high``: 95 % of resampled sets of worlds; None of one world."""

    unit: Unit
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        within = "" if self.low is None else f" ({self._said(self.low)} to {self._said(self.high)})"
        return f"{self._said(self.value)}{within}"

    def _said(self, value: float | None) -> str:
        if value is None:
            return "-"
        return {"share": f"{100 * value:.0f} %", "min": f"{value:.0f} min"}.get(
            self.unit, f"{value:.1f}"
        )


class Judge:
    """Figures of some cases by name, in the order in which they are shown."""

    def __init__(self, cases: Sequence[Case], seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._all = list(cases)
        self._choosing = [case for case in cases if case.has_choice]
        self._hard = [case for case in self._choosing if case.matters]

    def figures(self) -> dict[str, Figure]:
        return dict((*self._of_options(), *self._of_times(), *self._of_changes(), *self._of_fit()))

    def _of_options(self) -> Iterator[tuple[str, Figure]]:
        everything, choosing, hard = self._all, self._choosing, self._hard
        yield "options", self._over(everything, lambda c: float(len(c.choices)), "count")
        yield "there is a choice", self._over(everything, lambda c: float(c.has_choice))
        yield "some option is wrong", self._over(choosing, lambda c: float(c.matters))
        for cases, where in ((choosing, ""), (hard, ", where some are wrong")):
            yield f"first is right{where}", self._over(cases, lambda c: float(c.is_right(c.first)))
            yield f"default is right{where}", self._over(cases, _default_is_right)
            yield f"one at random is right{where}", self._over(cases, _random_is_right)
            yield f"first is worse than the default{where}", self._over(cases, _harm)

    def _of_times(self) -> Iterator[tuple[str, Figure]]:
        waiting = [case for case in self._choosing if case.waits]
        regret: Value = lambda c: c.regret_s(c.first) / 60  # noqa: E731
        for name, value, cases in (
            ("regret", regret, self._choosing),
            ("regret of the default", _default_regret_min, self._choosing),
            ("gain over the default", _gain_min, self._choosing),
            ("gain where some are wrong", _gain_min, self._hard),
        ):
            yield f"{name}, mean", self._over(cases, value, "min")
            for level in (0.1, 0.5, 0.9):
                over = _quantile(level)
                yield f"{name}, P{100 * level:.0f}", self._over(cases, value, "min", over)
        yield "first starts by its P50", self._over(waiting, lambda c: _by(c.first, c.first.p50_s))
        yield "first starts by its P90", self._over(waiting, lambda c: _by(c.first, c.first.p90_s))

    def _of_changes(self) -> Iterator[tuple[str, Figure]]:
        yield "a change is proposed", self._over(self._all, lambda c: float(c.change is not None))

        def of(value: Callable[[Case, Followed], float]) -> Value:
            return lambda case: None if case.change is None else value(case, case.change)

        def is_felt(case: Case, change: Followed, sign: int) -> float:
            return float(sign * case.change_gain_s(change) >= near_s(change.before.wait_s))

        shares: dict[str, Callable[[Case, Followed], float]] = {
            "change helps": lambda case, change: is_felt(case, change, 1),
            "change harms": lambda case, change: is_felt(case, change, -1),
            "change kills the job": lambda case, change: float(case.is_killed(change)),
        }
        for name, value in shares.items():
            yield name, self._over(self._all, of(value))
        promised, kept = (
            of(lambda _, change: change.promised_s / 60),
            of(lambda case, change: case.change_gain_s(change) / 60),
        )
        yield (
            "gain of a change as promised, P50",
            self._over(self._all, promised, "min", _quantile(0.5)),
        )
        yield "gain of a change, P50", self._over(self._all, kept, "min", _quantile(0.5))
        yield "gain of a change, mean", self._over(self._all, kept, "min")

    def _of_fit(self) -> Iterator[tuple[str, Figure]]:
        """What is told at once, and on some questions the fit beside insertion of every option."""
        yield (
            "first told at once is right",
            self._over(self._choosing, lambda c: float(c.is_right(c.fitted[0]))),
        )
        both = [case for case in self._choosing if case.inserted]
        yield (
            "fit ranks first what insertion does",
            self._over(both, lambda c: float(c.inserted[0].what == c.fitted[0].what)),
        )
        yield (
            "of these: first by fit is right",
            self._over(both, lambda c: float(c.is_right(c.fitted[0]))),
        )
        yield (
            "of these: first by insertion is right",
            self._over(both, lambda c: float(c.is_right(c.inserted[0]))),
        )
        inserted = [case for case in self._all if case.inserted]
        yield "P50 by fit less by insertion, mean", self._over(inserted, _bias_min, "min")
        yield (
            "P50 by fit off insertion, P50",
            self._over(inserted, _off_min, "min", _quantile(0.5)),
        )
        yield "P50 by fit off insertion, mean", self._over(inserted, _off_min, "min")
        yield (
            "any option starts by its P90 of the fit",
            self._over([case for case in self._choosing if case.waits], _any_by_p90),
        )

    def _over(
        self,
        cases: Sequence[Case],
        value: Value,
        unit: Unit = "share",
        over: Over = lambda values: float(values.mean()),
    ) -> Figure:
        """Of the cases that have a value; worlds are resampled, as their questions are alike."""
        by_world: dict[tuple[str, int], list[float]] = {}
        for case in cases:
            found = value(case)
            if found is not None:
                by_world.setdefault((case.kind, case.world), []).append(found)
        if not by_world:
            return Figure(unit, None, 0)
        worlds = [np.array(values) for values in by_world.values()]
        together = np.concatenate(worlds)
        figure = Figure(unit, over(together), together.size)
        if len(worlds) < 2:
            return figure
        draws = self._rng.integers(len(worlds), size=(RESAMPLED, len(worlds)))
        again = [over(np.concatenate([worlds[place] for place in draw])) for draw in draws]
        low, high = np.quantile(again, (ALPHA / 2, 1 - ALPHA / 2)).tolist()
        return Figure(unit, figure.value, figure.n, low, high)


def _quantile(level: float) -> Over:
    return lambda values: float(np.quantile(values, level))


def _default_is_right(case: Case) -> float | None:
    return None if case.default is None else float(case.is_right(case.default))


def _random_is_right(case: Case) -> float:
    return float(np.mean([case.is_right(choice) for choice in case.choices]))


def _harm(case: Case) -> float | None:
    harms = case.harms()
    return None if harms is None else float(harms)


def _default_regret_min(case: Case) -> float | None:
    return None if case.default is None else case.regret_s(case.default) / 60


def _gain_min(case: Case) -> float | None:
    gain_s = case.gain_s()
    return None if gain_s is None else gain_s / 60


def _by(choice: Choice, bound_s: float | None) -> float | None:
    return None if bound_s is None else float(choice.start_s <= bound_s)


def _any_by_p90(case: Case) -> float | None:
    found = [_by(choice, choice.p90_s) for choice in case.fitted]
    known = [one for one in found if one is not None]
    return float(np.mean(known)) if known else None


def _gaps_min(case: Case) -> FloatArray:
    """P50 by fit less that by insertion, of the options of which both tell one."""
    exact = {choice.what: choice.p50_s for choice in case.inserted}
    pairs = ((choice.p50_s, exact.get(choice.what)) for choice in case.fitted)
    known = [(fit, other) for fit, other in pairs if fit is not None and other is not None]
    return np.array([(fit - other) / 60 for fit, other in known if max(fit, other) < inf])


def _bias_min(case: Case) -> float | None:
    gaps = _gaps_min(case)
    return float(gaps.mean()) if gaps.size else None


def _off_min(case: Case) -> float | None:
    gaps = _gaps_min(case)
    return float(np.abs(gaps).mean()) if gaps.size else None
