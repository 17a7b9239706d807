"""The round of questions: every method is asked of every target, knowing the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.backtest.ensemble import ensemble
from planner.backtest.known import Known, Method
from planner.backtest.methods import LEARNT_FROM
from planner.backtest.pools import Pool
from planner.backtest.situations import situation
from planner.backtest.walk import Walk
from planner.learning import features
from planner.quantiles import Quantiles
from planner.traces.jobs import Trace

TARGETS_AT_ONCE = 25
ENSEMBLE = "ensemble"  # what the pool played on many times says


@dataclass(frozen=True, slots=True)
class Answers:
    """To one target, at its submission."""

    said: Mapping[str, Quantiles | None]  # by method
    expects_queue: bool  # an earlier job waited in its partition
    features: Mapping[str, float] | None = None  # of its situation, where a learner is to be asked


class Round:
    """Asks in the order of the trace; a step back walks it anew from its beginning.

    ``learns``: the ensemble is asked too, and features are noted for those who learn; then the
    methods of LEARNT_FROM have to be among ``methods``.
    """

    def __init__(
        self, trace: Trace, methods: Mapping[str, Method], *, learns: bool = False
    ) -> None:
        self._trace = trace
        self._methods = methods
        self._learns = learns
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
        said = {name: method.forecast(target, known) for name, method in self._methods.items()}
        expects_queue = any(job.partition == target.partition for job in known.pending)
        if not self._learns:
            return Answers(said, expects_queue)
        pool = Pool.of(known)
        said[ENSEMBLE], expected_s = ensemble(pool, known.runs)
        foretold = {name: said[name] for name in (*LEARNT_FROM, ENSEMBLE)}
        now = situation(known, pool, expected_s, foretold)
        return Answers(said, expects_queue, features(now))


def portions(targets: Sequence[int]) -> Iterator[Sequence[int]]:
    """Neighbours together: small enough to tell of progress, and to share the work evenly."""
    for start in range(0, len(targets), TARGETS_AT_ONCE):
        yield targets[start : start + TARGETS_AT_ONCE]
