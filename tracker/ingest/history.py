"""A file of ``sacct -P`` output into jobs: read as a stream, so a file may be of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tracker.ingest.accounting import record_accounting
from tracker.ingest.counts import Counts
from tracker.models import Cluster
from tracker.slurm.errors import ParseError
from tracker.slurm.records import AccountedJob
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.sacct import FIELDS, parse_sacct

ROWS_AT_ONCE = 5_000  # of one transaction, and what is held in memory
NEEDED = ("JobID", "JobIDRaw", "State", "Submit", "End")
HOW_TO = f"TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -D -X -P -S START --format={','.join(FIELDS)}"


@dataclass(frozen=True)
class Imported:
    counts: Counts = field(default_factory=Counts)
    unreadable: int = 0
    first_problem: str = ""

    def __add__(self, other: Imported) -> Imported:
        return Imported(
            self.counts + other.counts,
            self.unreadable + other.unreadable,
            self.first_problem or other.first_problem,
        )


def import_sacct(
    cluster: Cluster,
    lines: Iterable[str],
    seen_at: datetime,
    tell: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Record a file with its header line; a second time changes nothing, so a cut one is repeated.

    ``tell`` hears the sums so far. Rows that cannot be read are counted and left out; raises
    ParseError where the header lacks what an attempt is known by.
    """
    rows = iter(lines)
    header = next(rows, "").rstrip("\n")
    separator = SEPARATOR if SEPARATOR in header else "|"
    fields = header.split(separator)
    if missing := [name for name in NEEDED if name not in fields]:
        raise ParseError(
            "sacct", header, f"the header lacks {', '.join(missing)}; make the file with: {HOW_TO}"
        )
    total = Imported()
    for some in _batches(rows, separator, len(fields) - 1):
        attempts, problems = _read(some, fields, separator)
        counts = record_accounting(cluster, attempts, seen_at)
        total += Imported(counts, len(problems), next(iter(problems), ""))
        tell(total)
    return total


def _batches(lines: Iterable[str], separator: str, separators: int) -> Iterator[list[str]]:
    """Rows some thousand at a time. As in the parser, a row cut short goes on in the next line,
    and a line without a separator belongs to the row above."""
    rows: list[str] = []
    for line in lines:
        if rows and (separator not in line or rows[-1].count(separator) < separators):
            rows[-1] += line
            continue
        if len(rows) >= ROWS_AT_ONCE:
            yield rows
            rows = []
        rows.append(line)
    if rows:
        yield rows


def _read(
    rows: list[str], fields: list[str], separator: str
) -> tuple[list[AccountedJob], list[str]]:
    """Attempts, and what was wrong with the rows that are none."""
    try:
        return parse_sacct("".join(rows), fields=fields, separator=separator), []
    except ParseError:
        attempts: list[AccountedJob] = []
        problems: list[str] = []
    for row in rows:
        try:
            attempts += parse_sacct(row, fields=fields, separator=separator)
        except ParseError as error:
            problems.append(str(error))
    return attempts, problems
