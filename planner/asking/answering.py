"""An answer in the order in which its parts can be told: the options at once, then what follows
from them, then the best of them simulated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any

from planner.advice import Advice, Adviser, Option, PastWait, ranked
from planner.asking.answer_text import lines
from planner.asking.probe import queued
from planner.asking.request import Request
from planner.sim.cluster import World

if TYPE_CHECKING:  # it reads the database, which is not there for a capture
    from planner.forecasting.calibrating import Calibrator

Place = tuple[str, Request]  # of an option: its partition, and what it asks for

REPLICAS = 16
BATCH = 4  # replicas; fewer say little of a spread
FOR_ONE_S = 4.0  # option: after that no other batch of it is begun, as somebody waits


@dataclass(frozen=True, eq=False)
class Answering:
    """One request, put to an adviser who knows its asker."""

    adviser: Adviser
    request: Request
    calibrator: Calibrator | None = None  # None: nothing is known of how good forecasts were
    history: Callable[[], Sequence[PastWait]] = list
    replica_s: float | None = None  # that a replica takes; None: not known
    for_one_s: float = FOR_ONE_S

    def first(self) -> Advice:
        return self._set_right(self.adviser.first(self.request))

    def rest(self, first: Advice) -> Iterator[Advice]:
        """More each time; the last is complete."""
        full = self.adviser.full(first, self.history())
        batch_s = inf if self.replica_s is None else BATCH * self.replica_s
        if batch_s > self.for_one_s or full.method == "plan":
            yield full
            return
        yield replace(full, complete=False)
        raw, simulated = self._simulated(full)
        # All else is compared with the best as it is now.
        full = self.adviser.full(simulated, self.history())
        if full.best is None or (best := raw.get(_place(full.options[full.best]))) is None:
            yield full
            return
        yield replace(full, complete=False)
        yield self.adviser.checked(full, best, lambda: _batches(self.for_one_s))

    def _simulated(self, advice: Advice) -> tuple[dict[Place, Option], Advice]:
        """The best and what was asked for as simulated, before they are set right and after; the
        better of the two is the best then. The others keep their places: what is fitted is compared
        with what is fitted."""
        options = list(advice.options)
        raw: dict[Place, Option] = {}
        for at in dict.fromkeys((advice.best, advice.default)):
            if at is not None and options[at].allowed:
                fitted, batches = replace(options[at], how=""), _batches(self.for_one_s)
                exact = self.adviser.inserted(fitted, batches, advice.horizon_s)
                raw[_place(exact)] = exact
                options[at] = self._option_set_right(exact, advice.horizon_s)
        at = advice.default
        if at and ranked(pair := (options[0], options[at]))[0] is pair[1]:
            options.insert(0, options.pop(at))
        return raw, replace(advice, options=tuple(options))

    def _set_right(self, advice: Advice) -> Advice:
        """What the replicas say, corrected as that of real jobs is; a plan is told as it is."""
        if advice.method == "plan":
            return advice
        options = [self._option_set_right(one, advice.horizon_s) for one in advice.options]
        return advice.with_options(options)

    def _option_set_right(self, option: Option, horizon_s: float) -> Option:
        if self.calibrator is None or (option.p50_s is None and not option.later_than_horizon):
            return option
        from planner.forecasting.start_columns import corrected

        job = replace(queued(option.request, option.partition), submit_at=self.calibrator.at)
        start, how = self.calibrator.left(job, option.start)
        return replace(corrected(option, start).within(horizon_s), how=how)


def _batches(for_s: float) -> Iterator[range]:
    """Of replicas, as many as there is time for."""
    until_s = time.monotonic() + for_s
    for first in range(0, REPLICAS, BATCH):
        if first and time.monotonic() > until_s:
            return
        yield range(first, first + BATCH)


def _place(option: Option) -> Place:
    return option.partition, option.request


def told(world: World, advice: Advice) -> dict[str, Any]:
    """The answer's JSON, but for the request and the age of the snapshot."""
    answer = advice.as_json()
    return answer | {"notes": list(_notes(world, advice)), "text": list(lines(answer))}


def _notes(world: World, advice: Advice) -> Iterator[str]:
    """What holds for the answer as a whole."""
    user = advice.request.user
    if advice.options and not any(option.allowed for option in advice.options):
        yield "Nothing here can run this as it is asked for; each option says why."
    if not world.jobs:
        yield "Nothing waits or runs here: what fits starts at once."
    elif advice.method == "plan":
        yield "Nothing is known of past jobs here: one plan by time limits, without a range."
    if world.associations and not any(a.user and a.user == user for a in world.associations):
        whose = f"{user} has no account" if user else "You have no account"
        yield f"{whose} that is known here: planned without fair share and limits of accounts."
