"""A log of whatever kind: known by its first line."""

from __future__ import annotations

from pathlib import Path

from planner.traces.cleaning import TraceError
from planner.traces.eagle_csv import looks_like_eagle_csv, read_eagle_csv
from planner.traces.files import numbered_lines
from planner.traces.jobs import Trace
from planner.traces.sacct_dump import looks_like_sacct, read_sacct
from planner.traces.swf import looks_like_swf, read_swf

_READERS = (
    (looks_like_swf, read_swf),
    (looks_like_sacct, read_sacct),
    (looks_like_eagle_csv, read_eagle_csv),
)


def read_trace(path: Path, processors: int | None = None) -> Trace:
    """Raises TraceError for a file that is no trace, OSError for one that cannot be read.

    ``processors`` is the size of the machine, in the unit of the trace's sizes.
    """
    first = next((line for _, line in numbered_lines(path) if line), "")
    for looks_like, read in _READERS:
        if looks_like(first):
            return read(path, processors)
    raise TraceError(
        f"{path}, line 1: {first[:80]!r} begins no trace that is known here; give a log in the"
        " Standard Workload Format, or what sacct -P prints with its header line"
    )
