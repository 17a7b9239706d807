"""How long jobs waited by what they asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planner.report.schedule import Schedule
from planner.report.words import duration

LIMITS_S = (300.0, 1800.0, 3600.0, 14400.0, 43200.0, 86400.0, 172800.0, np.inf)


@dataclass(frozen=True, slots=True)
class Cell:
    jobs: int
    median_s: float | None  # None: no such jobs
    p95_s: float | None

    @property
    def shade(self) -> int:
        """0 to 5: no wait to speak of, above a minute, 10 minutes, 1, 4 and 24 hours."""
        steps_s = (60.0, 600.0, 3600.0, 14400.0, 86400.0)
        return sum((self.median_s or 0.0) > step_s for step_s in steps_s)


@dataclass(frozen=True)
class Waits:
    limits: list[str]  # heads of the columns
    rows: list[tuple[str, list[Cell]]]  # size, and a cell per limit


def waits(schedule: Schedule) -> Waits:
    """By size in powers of two and by limit; rows and columns without jobs are left out."""
    size_class = np.ceil(np.log2(schedule.procs)).astype(int)
    limit_class = np.searchsorted(LIMITS_S, schedule.limit_s)
    columns = np.unique(limit_class).tolist()
    return Waits(
        [_shown_limit(column) for column in columns],
        [
            (
                _shown_size(row),
                list(_cells(schedule, size_class == row, limit_class, columns)),
            )
            for row in np.unique(size_class).tolist()
        ],
    )


def _cells(
    schedule: Schedule, of_row: np.ndarray, limit_class: np.ndarray, columns: list[int]
) -> Iterator[Cell]:
    for column in columns:
        wait_s = schedule.wait_s[of_row & (limit_class == column)]
        if wait_s.size:
            median_s, p95_s = np.percentile(wait_s, [50, 95]).tolist()
            yield Cell(len(wait_s), median_s, p95_s)
        else:
            yield Cell(0, None, None)


def _shown_size(size_class: int) -> str:
    high = 2**size_class
    low = high // 2 + 1
    return f"{high:,}" if low >= high else f"{low:,} to {high:,}"


def _shown_limit(place: int) -> str:
    if place == len(LIMITS_S) - 1:
        return f"over {duration(LIMITS_S[-2])}"
    return f"to {duration(LIMITS_S[place])}"
