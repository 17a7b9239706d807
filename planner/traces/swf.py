"""The Standard Workload Format of the Parallel Workloads Archive: one job a line, 18 numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from planner.traces.cleaning import Cleaning, TraceError
from planner.traces.files import numbered_lines
from planner.traces.jobs import Asked, Trace, TraceJob

FIELDS = (
    "job number", "submit time", "wait time", "run time", "allocated processors", "CPU time",
    "memory", "requested processors", "requested time", "requested memory", "status", "user",
    "group", "executable", "queue", "partition", "preceding job", "think time",
)  # fmt: skip
_MAX_PROCS = re.compile(r";\s*MaxProcs:\s*([0-9]+)", re.IGNORECASE)


def read_swf(path: Path, processors: int | None = None) -> Trace:
    """Jobs that ran; -1 is "not known". Raises TraceError, OSError.

    ``processors`` is the machine's size, else the header's MaxProcs is.
    """
    rows: list[tuple[str, ...]] = []
    for number, line in numbered_lines(path):
        if line.startswith(";"):
            processors = stated_processors(line) if processors is None else processors
        elif words := tuple(line.split()):
            rows.append(checked(words, path, number))
    cleaning = Cleaning(processors)
    place, notes = _place_of_partition(rows)
    for row in rows:
        cleaning.take(_job(row, place, cleaning))
    return cleaning.trace(path.name, *notes)


def looks_like_swf(line: str) -> bool:
    """A header comment, or a line of numbers without commas."""
    words = line.split()
    return line.startswith(";") or (len(words) > 1 and all(_is_number(word) for word in words))


def stated_processors(line: str) -> int | None:
    """The machine's size, of the header's line that tells it."""
    stated = _MAX_PROCS.match(line)
    return int(stated[1]) if stated else None


def checked(words: tuple[str, ...], path: Path, number: int) -> tuple[str, ...]:
    """The line as it is, if it is one of the format. Raises TraceError."""
    if len(words) != len(FIELDS):
        raise TraceError(
            f"{path}, line {number}: {len(words)} fields where the Standard Workload Format has"
            f" {len(FIELDS)}; remove the line or mend it"
        )
    for name, word in zip(FIELDS, words, strict=True):
        if not _is_number(word):
            raise TraceError(
                f"{path}, line {number}: the {name} is {word!r}; give a number, -1 for not known"
            )
    return words


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _place_of_partition(rows: Iterable[tuple[str, ...]]) -> tuple[int, tuple[str, ...]]:
    """Archives name the partition in its field or, some of them, in that of the queue."""
    partition, queue = FIELDS.index("partition"), FIELDS.index("queue")
    if any(float(row[partition]) >= 0 for row in rows):
        return partition, ()
    if any(float(row[queue]) >= 0 for row in rows):
        return queue, ("the log names no partition: its queues are taken for partitions",)
    return partition, ()


def _job(row: tuple[str, ...], place_of_partition: int, cleaning: Cleaning) -> TraceJob:
    submit_s, wait_s, run_s, allocated = (float(word) for word in row[1:5])
    requested, requested_s = float(row[7]), float(row[8])
    if requested_s <= 0 < run_s:
        cleaning.count(
            "jobs without a requested time, their run time in its place (none could know it then)"
        )
        requested_s = run_s
    if wait_s < 0:
        cleaning.count("jobs whose wait is not known, left out of what forecasts see")
    asked = Asked(
        job_id=row[0],
        submit_s=submit_s,
        procs=int(allocated if allocated > 0 else requested),
        limit_s=requested_s,
        user=_name(row[11]),
        group=_name(row[12]),
        partition=_name(row[place_of_partition]),
    )
    return TraceJob(asked, run_s, wait_s if wait_s >= 0 else None)


def _name(word: str) -> str:
    return word if float(word) >= 0 else ""
