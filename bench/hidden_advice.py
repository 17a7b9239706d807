"""Advice asked for in a hidden world: by what is seen of it alone, then held against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from bench.hidden_case import Case, Choice, Followed
from bench.hidden_truth import Future, Seen
from planner.advice import Advice, Adviser, Option, Rights, ranked, smallest
from planner.asking.answering import REPLICAS, Answering
from planner.asking.probe import probe_of
from planner.asking.request import Request
from planner.ensemble import paced_interval_s, run_batch
from planner.futures import Future as Foreseen
from planner.snapshot import build
from planner.snapshot.past import past_of
from planner.snapshot.requests import Site

HORIZON_S = 86_400.0


class Advised:
    """One look at a world, and the adviser made of it."""

    def __init__(self, seen: Seen, seed: int) -> None:
        snapshot = build(seen.facts)
        world = snapshot.world
        past = past_of(seen.facts, snapshot, seen.accounted)
        foreseen: list[Foreseen] = []
        run_batch(
            world,
            past,
            seed=seed,
            replicas=range(REPLICAS),
            horizon_s=HORIZON_S,
            bf_interval_s=paced_interval_s(world),
            on_future=foreseen.append,
        )
        self._site = Site.of(seen.facts, world.nodes, world.partitions)
        self._adviser = Adviser(
            world,
            self._site,
            past,
            foreseen,
            seed=seed,
            at=snapshot.taken_at,
            rights=Rights.of(seen.facts.associations),
        )

    def case(
        self, kind: str, world: int, request: Request, run_s: float, future: Future, *, insert: bool
    ) -> Case:
        """The question answered, and every option tried in the true world."""
        truth = _Truth(self._site, future, run_s)
        answering = Answering(self._adviser, request, replica_s=0.0, for_one_s=inf)
        first = answering.first()
        *_, last = answering.rest(first)
        told = _allowed(last.options)
        asked = [option for option in told if option.is_default]
        return Case(
            kind=kind,
            world=world,
            asked=request.name,
            run_s=run_s,
            choices=tuple(map(truth.choice, told)),
            default=truth.choice(asked[0]) if asked else None,
            change=_followed(last, truth),
            fitted=tuple(map(truth.choice, _allowed(first.options))),
            inserted=tuple(map(truth.choice, self._inserted(told))) if insert else (),
        )

    def _inserted(self, options: Iterable[Option]) -> Iterable[Option]:
        batches = [range(REPLICAS)]
        return ranked([self._adviser.inserted(one, batches, HORIZON_S) for one in options])


def _allowed(options: Iterable[Option]) -> list[Option]:
    return [option for option in options if option.allowed]


def _followed(advice: Advice, truth: _Truth) -> Followed | None:
    """Against the option that it changes; None where that is refused, or no gain is promised."""
    change = smallest(advice.changes)
    if change is None or change.gain_s is None:
        return None
    of_place = change.field in ("partition", "qos", "gpu_type")
    place = advice.default if of_place else advice.best
    if place is None:
        return None
    return Followed(
        field=change.field,
        is_of_start=change.gain_of == "start",
        promised_s=change.gain_s,
        before=truth.choice(advice.options[place]),
        after=truth.choice(change.option),
    )


class _Truth:
    """What options of one question truly come to; each is tried once."""

    def __init__(self, site: Site, future: Future, run_s: float) -> None:
        self._site = site
        self._future = future
        self._run_s = run_s
        self._start_s: dict[str, float] = {}

    def choice(self, option: Option) -> Choice:
        probe = probe_of(self._future.world, self._site, option.request, option.partition)
        what = " ".join(option.request.sbatch_args(option.partition))
        if what not in self._start_s:
            self._start_s[what] = self._future.start_s(probe, self._run_s)
        minutes = option.limit_minutes
        return Choice(
            what=what,
            p50_s=_said(option, "p50", option.p50_s),
            p90_s=_said(option, "p90", option.p90_s),
            start_s=self._start_s[what],
            limit_s=inf if minutes is None else 60.0 * minutes,
        )


def _said(option: Option, level: str, at_s: float | None) -> float | None:
    return inf if level in option.later_than_horizon else at_s
