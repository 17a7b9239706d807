"""Where bars go that share a row for a while: side by side, each as high as the row allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol


class Piece(NamedTuple):
    """Part of a bar: so many rows from ``first`` on, and of their height the share ``high`` below
    ``top``."""

    first: int
    rows: int
    top: float = 0.0
    high: float = 1.0


class Bar(Protocol):
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def nodes(self) -> Sequence[int]: ...


def pieces(bars: Sequence[Bar]) -> list[list[Piece]]:
    """Of each bar, which come in order of start. Neighbouring rows that a bar has to itself are one
    piece."""
    on_row: dict[int, list[int]] = defaultdict(list)
    for number, bar in enumerate(bars):
        for row in bar.nodes:
            on_row[row].append(number)
    placed: list[list[Piece]] = [[] for _ in bars]
    for row in sorted(on_row):
        for together in _together(on_row[row], bars):
            for number, piece in _side_by_side(row, together, bars):
                placed[number].append(piece)
    return [joined(of_bar) for of_bar in placed]


def joined(of_bar: Iterable[Piece]) -> list[Piece]:
    """Neighbours in order of rows, of the same place in their row, as one."""
    joined: list[Piece] = []
    for piece in of_bar:
        before = joined[-1] if joined else None
        if before and piece == (before.first + before.rows, 1, *before[2:]):
            joined[-1] = before._replace(rows=before.rows + 1)
        else:
            joined.append(piece)
    return joined


def _together(numbers: Sequence[int], bars: Sequence[Bar]) -> Iterator[list[int]]:
    """Bars of one row that overlap, by way of others or at once."""
    group: list[int] = []
    end_s = float("-inf")
    for number in numbers:
        if group and bars[number].start_s >= end_s:
            yield group
            group = []
        group.append(number)
        end_s = max(end_s, bars[number].end_s)
    yield group


def _side_by_side(
    row: int, numbers: Sequence[int], bars: Sequence[Bar]
) -> Iterator[tuple[int, Piece]]:
    lane_of: dict[int, int] = {}
    ends_s: list[float] = []
    for number in numbers:
        start_s, end_s = bars[number].start_s, bars[number].end_s
        free = next((lane for lane, until_s in enumerate(ends_s) if until_s <= start_s), None)
        if free is None:
            free = len(ends_s)
            ends_s.append(end_s)
        ends_s[free] = end_s
        lane_of[number] = free
    high = round(1 / len(ends_s), 4)
    for number, lane in lane_of.items():
        yield number, Piece(row, 1, round(lane * high, 4), high)
