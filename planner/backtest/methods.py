"""The methods that a backtest compares, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.backtest.known import Known, Method
from planner.backtest.simulated import SIM_LAST2, SIM_LIMITS
from planner.baselines import PastWaits, Shape, bmbp, recent_like, recent_median, zero
from planner.quantiles import Quantiles
from planner.traces.jobs import Asked

SHIPPED = "shipped"  # the product's own


class UnknownMethodError(ValueError):
    """No such method; names those that there are."""


@dataclass(frozen=True, slots=True)
class FromHistory:
    """A rule that asks past waits only."""

    rule: Callable[[PastWaits, Shape], Quantiles | None]

    def forecast(self, target: Asked, known: Known) -> Quantiles | None:
        waits = known.waits
        past = PastWaits(
            now_s=known.now_s,
            start_s=waits.start_s,
            wait_s=waits.wait_s,
            procs=waits.procs,
            limit_s=waits.limit_s,
            partition=waits.partition,
        )
        partition = known.partition_code(target.partition)
        return self.rule(past, Shape(target.procs, target.limit_s, partition))


METHODS: dict[str, Method] = {
    "zero": FromHistory(lambda _past, _shape: zero()),
    "recent_median": FromHistory(recent_median),
    "recent_like": FromHistory(recent_like),
    "bmbp": FromHistory(bmbp),
    "sim_limits": SIM_LIMITS,
    "sim_last2": SIM_LAST2,
}


# That learn from the answers of the others and what came of them, by the layer that they are.
LEARNED = {"gbt_state": "learner", SHIPPED: "chosen"}
LEARNT_FROM = ("recent_like", "bmbp", "sim_limits")  # whose answers are among their features
NAMES = (*METHODS, *LEARNED)


def chosen(text: str | None) -> list[str]:
    """Names between commas, each once. All where nothing is said. Raises UnknownMethodError."""
    if text is None:
        return list(NAMES)
    names = list(dict.fromkeys(word for each in text.split(",") if (word := each.strip())))
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        wrong = ", ".join(unknown) or repr(text)
        raise UnknownMethodError(f"no method is called {wrong}; known: {', '.join(NAMES)}")
    return names


def first_asked(names: Sequence[str]) -> list[str]:
    """The methods to be asked job by job, so that all of ``names`` can answer."""
    needed = {*names, *LEARNT_FROM} if is_learnt(names) else {*names}
    return [name for name in METHODS if name in needed]


def is_learnt(names: Sequence[str]) -> bool:
    return any(name in LEARNED for name in names)
