"""All that is said to one question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from planner.advice.changes import Change, smallest
from planner.advice.hours import HourPoint
from planner.advice.option import Option, ranked
from planner.advice.walltime import WalltimePoint
from planner.advice.when import When
from planner.advice.why import Why
from planner.asking.request import Request

Method = Literal["plan", "ensemble"]


@dataclass(frozen=True, slots=True)
class Advice:
    options: tuple[Option, ...]  # the earliest end first and those that are refused last
    method: Method
    replicas: int
    horizon_s: float
    request: Request
    ignored: tuple[str, ...] = ()
    complete: bool = False  # False: the options alone, the rest follows
    changes: tuple[Change, ...] = ()
    walltime: tuple[WalltimePoint, ...] = ()
    by_hour: tuple[HourPoint, ...] = ()
    when: When | None = None
    why: Why | None = None

    @property
    def best(self) -> int | None:
        """The place of the best option; None where none has a start."""
        return 0 if self.options and self.options[0].has_start else None

    @property
    def default(self) -> int | None:
        """The place of what sbatch makes of the request as it was asked, be it refused; None where
        it names no partition and none is the default."""
        places = (place for place, option in enumerate(self.options) if option.is_default)
        return next(places, None)

    @property
    def approximate(self) -> bool:
        return any(option.approximate for option in self.options if option.allowed)

    def with_options(self, options: Iterable[Option]) -> Advice:
        """The same with other options, such as corrected ones, ranked anew."""
        return replace(self, options=ranked(options))

    def as_json(self) -> dict[str, Any]:
        """All but what only the asking side knows: snapshot, age and the request as it came."""
        found = smallest(self.changes)
        return {
            "replicas": self.replicas,
            "horizon_s": self.horizon_s,
            "method": self.method,
            "approximate": self.approximate,
            "complete": self.complete,
            "ignored": list(self.ignored),
            "options": [option.as_json() for option in self.options],
            "best": self.best,
            "default": self.default,
            "changes": [change.as_json() for change in self.changes],
            "smallest_change": found and found.as_json(),
            "walltime": [point.as_json() for point in self.walltime],
            "by_hour": [point.as_json() for point in self.by_hour],
            "when": self.when and self.when.as_json(),
            "why": self.why and self.why.as_json(),
        }
