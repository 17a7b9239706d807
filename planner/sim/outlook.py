"""What one backfill cycle believes about the present and the future, and where a job fits into it.

Source: backfill.c and job_test.c of Slurm 20.11 to 25.11; compared with the starts that a real
22.05.8 gave. Running jobs end at their limits, planned jobs hold whole nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from planner.sim.cluster import IntArray
from planner.sim.jobs import Key
from planner.sim.needs import Need
from planner.sim.nodeset import NodeSet
from planner.sim.occupancy import Allocation
from planner.sim.queue import Record
from planner.sim.state import Running, State


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The start that a cycle gave a pending job: what ``squeue --start`` shows."""

    start_s: float
    nodes: IntArray


class Search(Protocol):
    """The timeline of a cycle: running jobs by their limits, holds of planned jobs, reservations.

    Two forms: ``planner.sim.search`` and ``planner.sim.kernel.search``.
    """

    def open_now(self, record: Record) -> NodeSet:
        """Nodes that nobody else holds or reserves while the job would run from now on."""
        ...

    def plan(self, record: Record) -> tuple[Planned, NodeSet] | None:
        """Start after now within the window, with nodes that are held from now on; None if there is
        none.
        """
        ...

    def hold(self, record: Record, planned: Planned) -> NodeSet:
        """Block the whole nodes, in slots of bf_resolution."""
        ...

    def without(self, state: State) -> Search:
        """The same holds over another picture of what runs."""
        ...


class Outlook:
    """Where a job fits now, and where later."""

    def __init__(self, state: State, now_s: float, search: Search) -> None:
        self._state = state
        self._now_s = now_s
        self._search = search
        self._at_change: int | None = None  # state.changes that the next two belong to
        self._without: dict[frozenset[Key], Outlook] = {}
        self._fits_now: dict[Need, bool] = {}
        self.plan, self.hold = search.plan, search.hold

    def place_now(self, record: Record) -> Allocation | None:
        if not self.fits_now(record.need):
            return None
        return self._state.place(record.need, self.open_now(record))

    def fits_now(self, need: Need) -> bool:
        """Whether the need fits on what is free, were nothing held or reserved."""
        self._follow_state()
        if need not in self._fits_now:
            self._fits_now[need] = self._state.fits_now(need, self._state.usable_now)
        return self._fits_now[need]

    def may_start_now(self, record: Record) -> bool:
        """Whether the need fits on what is free and neither held nor reserved by others."""
        need = record.need
        return self.fits_now(need) and self._state.fits_now(need, self.open_now(record))

    def open_now(self, record: Record) -> NodeSet:
        """Nodes that work now and that nobody else holds or reserves while the job would run."""
        return self._search.open_now(record) & self._state.usable_now

    def without(self, gone: Collection[Running]) -> Outlook:
        """The same holds, were these running jobs gone."""
        self._follow_state()
        keys = frozenset(one.job.key for one in gone)
        if keys not in self._without:
            state = self._state.without(gone)
            self._without[keys] = Outlook(state, self._now_s, self._search.without(state))
        return self._without[keys]

    def _follow_state(self) -> None:
        """Forget what was computed for other free amounts than now's."""
        if self._at_change != self._state.changes:
            self._at_change = self._state.changes
            self._without.clear()
            self._fits_now.clear()


def planned_run_s(record: Record) -> float:
    return min(record.limit_s, record.partition.max_s)
