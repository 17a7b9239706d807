"""Which jobs a backfill cycle may still start.

Within a cycle nothing becomes free and no hold goes away, so a job that cannot start where it is
free and unheld now will not. Once no job is left that might, the rest of the plan changes nothing.
Until then every hold counts, on whatever nodes: how far Slurm looks ahead depends on all of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from math import inf
from typing import NamedTuple, Protocol

from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.outlook import Outlook, planned_run_s
from planner.sim.queue import Record
from planner.sim.state import State


class Step(NamedTuple):
    place: int  # to go on from
    passed: int  # candidates on the way there
    allocation: Allocation | None  # what the job there takes now, if that was found on the way


class Shortcut(Protocol):
    """What is known of the jobs that a cycle may still start."""

    def next(self, place: int, most: int | None) -> Step | None:
        """From this place on; None if no record may start, of the next ``most`` candidates."""
        ...

    def note_hold(self, nodes: NodeSet) -> None:
        """These nodes were held for a time."""
        ...


class Prospects:
    """Of the records of one cycle, by their place in the queue."""

    def __init__(
        self, records: Sequence[Record], state: State, outlook: Outlook, now_s: float
    ) -> None:
        self._records, self._state, self._outlook, self._now_s = records, state, outlook, now_s
        self._at_change: int | None = None  # state.changes that the rest belongs to
        self._candidates: list[int] = []  # those that no rule keeps from starting
        self._hopeful: list[int] = []  # those of them with room, held or not
        self._is_fresh = False  # the last of them has room that is not held
        self._too_long_s: dict[Need, float] = {}  # planned run times that no gap has room for

    def next(self, place: int, most: int | None) -> Step | None:
        if self._at_change != self._state.changes:
            self._at_change = self._state.changes
            self._survey(place, most)
        if not self._is_fresh:
            self._forget_the_last()
        is_left = self._hopeful and self._hopeful[-1] >= place
        return Step(place, 0, None) if is_left else None

    def note_hold(self, nodes: NodeSet) -> None:
        if nodes & self._state.free_nodes:
            self._is_fresh = False

    def _survey(self, place: int, most: int | None) -> None:
        self._candidates = candidates(
            self._records, self._state, self._now_s, place, most, before=self._candidates
        )
        records, fits_now = self._records, self._outlook.fits_now
        self._hopeful = [index for index in self._candidates if fits_now(records[index].need)]
        self._is_fresh = False
        self._too_long_s.clear()

    def _forget_the_last(self) -> None:
        """Those that a hold has taken the room of, up to one that still has some."""
        while self._hopeful and not self._may_start(self._hopeful[-1]):
            self._hopeful.pop()
        self._is_fresh = True

    def _may_start(self, index: int) -> bool:
        record = self._records[index]
        run_s = planned_run_s(record)
        if run_s >= self._too_long_s.get(record.need, inf):
            return False
        may_start = self._outlook.may_start_now(record)
        if not may_start:
            self._too_long_s[record.need] = run_s
        return may_start


def candidates(
    records: Sequence[Record],
    state: State,
    now_s: float,
    place: int,
    most: int | None,
    *,
    before: Sequence[int] = (),
) -> list[int]:
    """Places, from this one on, of the first ``most`` records that no rule keeps from starting.

    ``before``: the same at an earlier place of the cycle. None that was left out comes back.
    """
    known = before[bisect_left(before, place) :]
    rest = range(max(place, before[-1] + 1) if before else place, len(records))
    found: list[int] = []
    for index in chain(known, rest):
        record = records[index]
        if record.pending.left or state.obstacle(record, now_s) is not None:
            continue
        found.append(index)
        if len(found) == most:
            break
    return found
