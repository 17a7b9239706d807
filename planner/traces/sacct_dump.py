"""A file of ``sacct -P`` output with its header line: every incarnation a job of its own."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from planner.traces.accounting import Incarnation, trace_of
from planner.traces.cleaning import TraceError
from planner.traces.files import numbered_lines
from planner.traces.jobs import Trace
from tracker.slurm.errors import ParseError
from tracker.slurm.records import AccountedJob
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.sacct import parse_sacct

NEEDED = (
    "JobID", "JobIDRaw", "State", "User", "Account", "Partition", "Submit", "Start", "End",
    "Timelimit", "ReqCPUS", "ReqTRES", "NodeList",
)  # fmt: skip
HOW_TO = f"TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -D -X -P -S START --format={','.join(NEEDED)}"
NOTE = (
    "the partition of a job that named several is the one that it started in: known later, in truth"
)


def read_sacct(path: Path, processors: int | None = None) -> Trace:
    """Raises TraceError, OSError. Times without a zone are taken for UTC."""
    rows, notes = read_rows(path)
    told = [record for row in rows if (record := incarnation(row)) is not None]
    return trace_of(path.name, told, processors, notes)


def read_rows(path: Path, more: Collection[str] = ()) -> tuple[list[AccountedJob], list[str]]:
    """The rows with the fields needed, and ``more`` where the file has them; and what to note.

    Raises TraceError, OSError.
    """
    lines = [line for _, line in numbered_lines(path)]
    header = lines[0] if lines else ""
    separator = _separator_of(header)
    fields = header.split(separator)
    if missing := [name for name in NEEDED if name not in fields]:
        raise TraceError(
            f"{path}, line 1: the header {header[:200]!r} lacks {', '.join(missing)};"
            f" make the file with: {HOW_TO}"
        )
    # What is not needed is not parsed: a stray separator late in a row then does no harm.
    wanted = {*NEEDED, *more}
    read = [name if name in wanted else "" for name in fields]
    rows, problems = _rows(lines[1:], read, separator)
    if problems and not rows:
        raise TraceError(f"{path}: no row can be read; {problems[0]}; make it with: {HOW_TO}")
    notes = [NOTE]
    if problems:
        notes.append(f"rows that cannot be read, left out: {len(problems)}; {problems[0]}")
    return rows, notes


def looks_like_sacct(line: str) -> bool:
    return "JobID" in line.split(_separator_of(line))


def _separator_of(header: str) -> str:
    return SEPARATOR if SEPARATOR in header else "|"


def _rows(
    lines: list[str], fields: list[str], separator: str
) -> tuple[list[AccountedJob], list[str]]:
    """Rows, and what was wrong with those that are none."""
    try:
        return parse_sacct("\n".join(lines), fields=fields, separator=separator), []
    except ParseError:
        rows: list[AccountedJob] = []
        problems: list[str] = []
    for line in lines:
        try:
            rows += parse_sacct(line, fields=fields, separator=separator)
        except ParseError as error:
            problems.append(str(error))
    return rows, problems


def incarnation(row: AccountedJob) -> Incarnation | None:
    """None for a row that does not say when it was submitted."""
    if row.submit_at is None:
        return None
    # Of a job that was cancelled before it got a node, sacct may print the end as Start too.
    never_started = row.node_list is None and row.end_at == row.start_at
    start_at = None if never_started else row.start_at
    return Incarnation(
        job_id=str(row.job_id),
        submit_s=row.submit_at.timestamp(),
        start_s=None if start_at is None else start_at.timestamp(),
        end_s=None if row.end_at is None else row.end_at.timestamp(),
        procs=row.req_tres.cpus or row.req_cpus or 0,
        gpus=row.req_tres.gpus or 0,
        limit_s=None if row.limit_minutes is None else row.limit_minutes * 60.0,
        user=row.user or "",
        group=row.account or "",
        partition=row.partition or "",
    )
