"""One snapshot and its futures, asked about many requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime

from planner.advice.answer import Advice
from planner.advice.changes import in_order, smallest
from planner.advice.ends import Sight
from planner.advice.fitting import Fitting
from planner.advice.hours import PastWait, by_hour
from planner.advice.option import Option
from planner.advice.options import Options
from planner.advice.rights import Rights
from planner.advice.trials import Trials
from planner.advice.walltime import walltime
from planner.advice.when import when
from planner.advice.why import why
from planner.advice.words import Clock
from planner.asking.probe import Probed
from planner.asking.request import Request
from planner.ensemble import Past
from planner.futures import Future
from planner.sim.cluster import World
from planner.snapshot.requests import Site

CHECKED = 2  # changes that are simulated at most


class Adviser:
    """Deterministic: the same snapshot, futures, seed and request give the same advice."""

    def __init__(
        self,
        world: World,
        site: Site,
        past: Past,
        futures: Sequence[Future],
        *,
        seed: int,
        at: datetime,
        rights: Rights | None = None,
        zone: str = "UTC",
        asker: str = "",
        shows_jobs: bool = False,
    ) -> None:
        """``at``: when the snapshot was taken, which is the origin of the futures; ``zone``: the
        cluster's own time. Jobs of others than the ``asker`` are told one by one only if
        ``shows_jobs``. Raises ValueError without a future.
        """
        self._fitting = Fitting(world, site, past, futures, seed=seed, clock=Clock(at, zone))
        self._past, self._seed = past, seed
        self._sight = Sight(asker, shows_jobs)
        self._options = Options(self._fitting, rights or Rights())
        self._trials = Trials(self._fitting, self._options)

    def for_asker(self, asker: str, shows_jobs: bool = False) -> Adviser:
        """The same for another person, without preparing the futures anew."""
        other = copy(self)
        other._sight = Sight(asker, shows_jobs)
        return other

    def first(self, request: Request, ignored: Sequence[str] = ()) -> Advice:
        """What can be said at once: where it would start."""
        return Advice(
            options=self.options(request),
            method="plan" if self._past.is_blank else "ensemble",
            replicas=self._fitting.replicas,
            horizon_s=self._fitting.horizon_s,
            request=request,
            ignored=tuple(ignored),
        )

    def full(self, advice: Advice, history: Sequence[PastWait] = ()) -> Advice:
        """With the rest, about the first of its options; where all are refused, what would change
        that for the one asked for. ``history``: jobs that started lately."""
        if not advice.options:
            return replace(advice, complete=True)
        best = advice.options[0]
        default = best if advice.default is None else advice.options[advice.default]
        changes = list(self._trials.of(best if best.allowed else default))
        if default is not best:
            changes += self._trials.other_place(default, best)
        advice = replace(advice, changes=in_order(changes), complete=True)
        if not best.allowed:
            return advice
        fitting = self._fitting
        points, hours = walltime(fitting, best), tuple(by_hour(fitting, best, history))
        reasons = why(fitting, best, self._options.shares, self._sight)
        moment = when(fitting, best, hours, points, reasons.reason)
        return replace(advice, walltime=points, by_hour=hours, why=reasons, when=moment)

    def inserted(
        self,
        option: Option,
        batches: Iterable[range],
        horizon_s: float,
        *,
        as_run_of: Option | None = None,
    ) -> Option:
        """Simulated with the job in the queue, in place of fitted: exact for the model, and dear.

        ``batches`` are replicas; a caller may end them when its time is up, though not before the
        first. It runs as long as the job of another option, if that is given.
        """
        fitting = self._fitting
        probed = Probed(fitting.world, self._past, fitting.probe(option.request, option.partition))
        replicas: list[int] = []
        for batch in batches:
            probed.run(self._seed, batch, horizon_s)
            replicas += batch
        spread = fitting.spread(option, as_run_of or option, replicas, probed.starts.start_s)
        return replace(option.told(spread), approximate=False)

    def checked(
        self, advice: Advice, best: Option, batches: Callable[[], Iterable[range]]
    ) -> Advice:
        """With the smallest change simulated, where it is one of shape: it makes way for the next
        if it does not help then. ``best`` is the first option as ``inserted`` gave it; ``batches``
        are asked for once a change.
        """
        for _ in range(CHECKED):
            change = smallest(advice.changes)
            if change is None or change.shape is None or not change.option.approximate:
                break
            exact = self.inserted(change.option, batches(), advice.horizon_s, as_run_of=best)
            kept = self._trials.again(change, best, exact)
            others = (one for one in advice.changes if one is not change)
            advice = replace(advice, changes=in_order((kept, *others)))
        return advice

    def options(self, request: Request) -> tuple[Option, ...]:
        return self._options.of(request)
