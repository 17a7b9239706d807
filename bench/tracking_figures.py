"""What was measured, set beside its goal, as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """``goal`` is how many times better than theirs ours should be, ``limit_goal`` which part of
    the bare view's rate; None where nobody set one."""

    name: str
    unit: str
    theirs: float | None
    ours: float | None
    bare: float | None = None
    goal: float | None = None
    limit_goal: float | None = None

    @property
    def times_better(self) -> float | None:
        """Of a rate, ours by theirs; of a cost, theirs by ours."""
        if not self.theirs or not self.ours:
            return None
        return self.ours / self.theirs if self.is_rate else self.theirs / self.ours

    @property
    def of_limit(self) -> float | None:
        if not self.bare or not self.ours:
            return None
        return self.ours / self.bare if self.is_rate else self.bare / self.ours

    @property
    def is_rate(self) -> bool:
        return self.unit.endswith("/s")

    @property
    def is_met(self) -> bool | None:
        asked = [
            (self.times_better or 0) >= self.goal if self.goal else None,
            (self.of_limit or 0) >= self.limit_goal if self.limit_goal else None,
        ]
        known = [answer for answer in asked if answer is not None]
        return all(known) if known else None


HEADS = ("", "MLflow", "ours", "unit", "times better", "goal", "bare", "of bare", "goal", "met")


def table(figures: Sequence[Figure]) -> str:
    """In Markdown."""
    rows = [HEADS, tuple("-" * len(head) or "-" for head in HEADS), *map(_row, figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def line(figure: Figure) -> str:
    name, theirs, ours, unit, times, _, bare, *_ = _row(figure)
    limit = f"; bare {bare}" if bare else ""
    return f"{name}: {theirs} and {ours} {unit}, {times} times better{limit}"


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _number(figure.theirs),
        _number(figure.ours),
        figure.unit,
        _number(figure.times_better),
        _number(figure.goal),
        _number(figure.bare),
        _number(figure.of_limit),
        _number(figure.limit_goal),
        {None: "", True: "yes", False: "NO"}[figure.is_met],
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
