"""Which processors each job gets in a picture: a pool does not say, so the lowest that are free."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from heapq import heappop, heappush

Piece = tuple[int, int]  # first processor, and the one after the last


def lanes(
    start_s: Sequence[float], end_s: Sequence[float], procs: Sequence[int], processors: int
) -> list[list[Piece]]:
    """Pieces for each job of a schedule that never takes more than there are; in order of start."""
    free: list[Piece] = [(0, processors)]
    running: list[tuple[float, int]] = []
    given: list[list[Piece]] = []
    for job, now_s in enumerate(start_s):
        while running and running[0][0] <= now_s:
            for piece in given[heappop(running)[1]]:
                insort(free, piece)
        free = _joined(free)
        given.append(_take(free, procs[job]))
        heappush(running, (end_s[job], job))
    return given


def _joined(pieces: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for first, after in pieces:
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], after)
        else:
            joined.append((first, after))
    return joined


def _take(free: list[Piece], wanted: int) -> list[Piece]:
    taken: list[Piece] = []
    while wanted:
        first, after = free.pop(0)
        last = min(after, first + wanted)
        taken.append((first, last))
        wanted -= last - first
        if last < after:
            free.insert(0, (last, after))
    return taken
