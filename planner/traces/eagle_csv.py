"""The job table that NREL publishes of its machine Eagle: accounting as comma-separated text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from planner.traces.accounting import Incarnation, trace_of
from planner.traces.cleaning import TraceError
from planner.traces.files import numbered_lines
from planner.traces.jobs import Trace

NEEDED = (
    "job_id", "user", "account", "partition", "wallclock_req", "nodes_req",
    "submit_time", "start_time", "end_time",
)  # fmt: skip
# Eagle gives nodes whole: a job that asks for one processor keeps its whole node busy.
NOTES = ("sizes are nodes, which this machine gives whole", "times, told without a zone, are UTC")


def read_eagle_csv(path: Path, processors: int | None = None) -> Trace:
    """``processors`` counts nodes. Raises TraceError, OSError."""
    records = [record for record, _ in read_rows(path)]
    return trace_of(path.name, records, processors, NOTES)


def looks_like_eagle_csv(line: str) -> bool:
    return {"job_id", "wallclock_req"} <= set(line.split(","))


def read_rows(path: Path) -> Iterator[tuple[Incarnation, dict[str, str]]]:
    """Each row, and what it says by column. Raises TraceError, OSError."""
    lines = (line for _, line in numbered_lines(path))
    rows = csv.DictReader(lines)
    if missing := [name for name in NEEDED if name not in (rows.fieldnames or ())]:
        raise TraceError(f"{path}, line 1: the header lacks {', '.join(missing)}; add the columns")
    for row in rows:
        try:
            yield _incarnation(row), row
        except (TypeError, ValueError) as error:
            raise TraceError(
                f"{path}, line {rows.line_num}: {error}; remove the line or mend it"
            ) from error


def _incarnation(row: dict[str, str]) -> Incarnation:
    submit_s = _epoch_s(row["submit_time"])
    if submit_s is None:
        raise ValueError("submit_time is empty; give a time such as 2019-01-01 08:55:55")
    return Incarnation(
        job_id=row["job_id"],
        submit_s=submit_s,
        start_s=_epoch_s(row["start_time"]),
        end_s=_epoch_s(row["end_time"]),
        procs=int(row["nodes_req"]),
        gpus=0,
        limit_s=float(row["wallclock_req"]),
        user=row["user"],
        group=row["account"],
        partition=row["partition"],
    )


def _epoch_s(text: str) -> float | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() if text else None
