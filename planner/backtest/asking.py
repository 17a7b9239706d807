"""The round of questions: every method is asked of every target, knowing the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planner.backtest.known import Known, Method
from planner.backtest.walk import Walk
from planner.quantiles import Quantiles
from planner.traces.jobs import Trace

TARGETS_AT_ONCE = 25


@dataclass(frozen=True, slots=True)
class Answers:
    """To one target, at its submission."""

    said: tuple[Quantiles | None, ...]  # in the order of the methods
    expects_queue: bool  # an earlier job waited in its partition


class Round:
    """Asks in the order of the trace; a step back walks it anew from its beginning."""

    def __init__(self, trace: Trace, methods: Sequence[Method]) -> None:
        self._trace = trace
        self._methods = methods
        self._walk = Walk(trace)
        self._last = -1

    def ask(self, targets: Sequence[int]) -> list[Answers]:
        """Of rising targets, as indices of the trace's jobs."""
        if targets and targets[0] <= self._last:
            self._walk = Walk(self._trace)
        self._last = max(targets, default=self._last)
        return [self._answers(self._walk.at(target)) for target in targets]

    def _answers(self, known: Known) -> Answers:
        target = known.target
        return Answers(
            said=tuple(method.forecast(target, known) for method in self._methods),
            expects_queue=any(job.partition == target.partition for job in known.pending),
        )


def portions(targets: Sequence[int]) -> Iterator[Sequence[int]]:
    """Neighbours together: small enough to tell of progress, and to share the work evenly."""
    for start in range(0, len(targets), TARGETS_AT_ONCE):
        yield targets[start : start + TARGETS_AT_ONCE]
