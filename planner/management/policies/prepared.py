"""What every policy has in common: a log that is read, and the way from it to a schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.report.schedule import Schedule
from planner.sim.pool import Tally


@dataclass(frozen=True, slots=True)
class Prepared:
    """All but the simulation is done; ``simulate`` gives the schedule, and more notes."""

    name: str  # of the log
    jobs: int
    processors: int
    notes: tuple[str, ...]
    simulate: Callable[[Tally], tuple[Schedule, tuple[str, ...]]]
