"""Which running jobs a start waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, isinf
from typing import Any

import numpy as np

from planner.advice.words import Clock, counted, share
from planner.ensemble import quantiles
from planner.ensemble.chance import FloatArray
from planner.futures import Bar, Future
from planner.sim.cluster import BoolArray

NAMED = 5  # jobs told one by one, those first that matter in most futures
OFTEN = 0.25  # of the futures: less is chance
JUST_BEFORE_S = 600.0  # an end this long before the start frees what it takes


@dataclass(frozen=True, slots=True)
class End:
    count: int
    what: str
    at_p50_s: float | None
    at_p90_s: float | None  # None: of a single future
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "what": self.what,
            "at_p50_s": self.at_p50_s,
            "at_p90_s": self.at_p90_s,
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose jobs the asker may see one by one."""

    asker: str
    shows_jobs: bool

    def may_see(self, user: str) -> bool:
        return self.shows_jobs or bool(self.asker and user == self.asker)


def ends(
    futures: Sequence[Future], start_s: FloatArray, mine: BoolArray, sight: Sight, clock: Clock
) -> tuple[End, ...]:
    """``start_s``: of the job in each future; ``mine``: the nodes that it may use.

    In each future it waits for jobs on these nodes that run at the snapshot and end just before
    its start; where none does, for the last to end before it. Told are all of them together, then
    those that the asker may see and that matter in many futures.
    """
    freeing = [
        _freeing(future, at_s, mine)
        for future, at_s in zip(futures, start_s.tolist(), strict=True)
        if isfinite(at_s) and at_s > 0
    ]
    freeing = [bars for bars in freeing if bars]
    if not freeing:
        return ()
    count = int(np.median([len(bars) for bars in freeing]))
    last_s = np.array([max(bar.end_s for bar in bars) for bars in freeing])
    together = _end(count, counted(count, "running job"), last_s, "", clock)
    return together, *_named(freeing, len(futures), sight, clock)


def _named(
    freeing: Sequence[Sequence[Bar]], futures: int, sight: Sight, clock: Clock
) -> Iterable[End]:
    ends_s: defaultdict[object, list[float]] = defaultdict(list)
    for bars in freeing:
        for bar in bars:
            if sight.may_see(bar.user):
                ends_s[bar.key].append(bar.end_s)
    often = sorted(ends_s.items(), key=lambda item: (-len(item[1]), str(item[0])))
    for key, at_s in often[:NAMED]:
        part = len(at_s) / futures
        if part >= OFTEN:
            seldom = "" if part == 1.0 else f" (in {share(part)} of the futures)"
            yield _end(1, f"job {key}", np.array(at_s), seldom, clock)


def _freeing(future: Future, start_s: float, mine: BoolArray) -> list[Bar]:
    before = [
        bar
        for bar in future.bars()
        if isinf(bar.priority) and bar.end_s <= start_s and mine[list(bar.nodes)].any()
    ]
    if not before:
        return []
    since_s = min(start_s - JUST_BEFORE_S, max(bar.end_s for bar in before))
    return [bar for bar in before if bar.end_s >= since_s]


def _end(count: int, what: str, ends_s: FloatArray, seldom: str, clock: Clock) -> End:
    p50_s, p90_s = quantiles(ends_s[:, np.newaxis])[1:, 0].tolist()
    ending = "ends" if count == 1 else "end, the last of them"
    said = f"{what[0].upper()}{what[1:]}{seldom} {ending} half the time by {clock.said(p50_s)}"
    said += f", nine times in ten by {clock.said(p90_s)}." if len(ends_s) > 1 else "."
    return End(count, what, p50_s, p90_s if len(ends_s) > 1 else None, said)
