"""A request changed in one respect, and whether that brings its end, or its start, nearer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from planner.advice.option import Option
from planner.advice.shapes import Field, Of, Shape


@dataclass(frozen=True, slots=True)
class Change:
    field: Field
    before: int | str | None
    after: int | str | None
    option: Option  # changed
    gain_of: Of
    gain_s: float | None  # sooner by the middle quantile; None: not known, or none to compare with
    helps: bool
    p_killed: float | None  # at the changed limit; None: not known
    sentence: str
    size: float  # how much of the request is given up; see ``planner.advice.shapes``
    shape: Shape | None = None  # None: it is another place that changes

    def as_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "from": self.before,
            "to": self.after,
            "partition": self.option.partition,
            "option": self.option.as_json(),
            "gain_s": self.gain_s,
            "gain_of": self.gain_of,
            "helps": self.helps,
            "p_killed": self.p_killed,
            "sentence": self.sentence,
        }


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Those that help first, the largest gain before others."""
    return tuple(sorted(changes, key=lambda change: (not change.helps, -(change.gain_s or 0.0))))


def smallest(changes: Sequence[Change]) -> Change | None:
    """Of those that help the one that gives up least, of equal ones that of the larger gain."""
    helpful = (change for change in changes if change.helps)
    return min(helpful, key=lambda change: (change.size, -(change.gain_s or 0.0)), default=None)
