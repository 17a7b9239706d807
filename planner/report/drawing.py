"""Pictures as SVG text: a frame with axes, and what is drawn inside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from planner.report.words import ticks, time_ticks

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 960, 64, 24, 10, 28


@dataclass(frozen=True, slots=True)
class Frame:
    """Maps times and amounts to the plane; the axis of amounts begins at ``low``, upwards."""

    low_s: float
    high_s: float
    low: float
    high: float
    height: int

    def x(self, at_s: float) -> float:
        share = (at_s - self.low_s) / (self.high_s - self.low_s)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, amount: float) -> float:
        share = (amount - self.low) / (self.high - self.low)
        return round(self.height - BOTTOM - share * (self.height - TOP - BOTTOM), 2)


def picture(frame: Frame, label: str, drawn: Iterable[str], *, percent: bool = False) -> str:
    """``label`` is what is told to those who do not see it."""
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {frame.height}" role="img" aria-label="{escape(label)}">',
        *_grid(frame, percent=percent),
        *drawn,
        "</svg>",
    ]
    return "\n".join(lines)


def _grid(frame: Frame, *, percent: bool) -> Iterable[str]:
    floor = frame.height - BOTTOM
    for amount in ticks(frame.low, frame.high, about=4):
        y = frame.y(amount)
        shown = f"{amount:.0%}" if percent else f"{amount:,g}"
        yield f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{shown}</text>'
    for at_s, shown in time_ticks(frame.low_s, frame.high_s):
        x = frame.x(at_s)
        yield f'<path class="grid" d="M{x} {floor}v5"/>'
        yield f'<text x="{x}" y="{floor + 19}" text-anchor="middle">{shown}</text>'


def steps(frame: Frame, edges_s: Sequence[float], amounts: Sequence[float], style: str) -> str:
    """A line that holds each amount from one edge to the next."""
    path = [f"M{frame.x(edges_s[0])} {frame.y(amounts[0])}"]
    for until_s, amount in zip(edges_s[1:], amounts, strict=True):
        path.append(f"V{frame.y(amount)}H{frame.x(until_s)}")
    return f'<path class="{style}" d="{"".join(path)}"/>'
