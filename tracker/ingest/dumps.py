"""A file of ``sacct -P`` output as a stream of whole rows, taken up again where it was left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from tracker.slurm.errors import ParseError
from tracker.slurm.records import AccountedJob
from tracker.slurm.rows import SEPARATOR
from tracker.slurm.sacct import FIELDS, parse_sacct

# In memory, and in one transaction of some 0.2 s. Then the database is free for 0.07 s, while the
# next are parsed: longer than a writer that waits for SQLite by then sleeps between tries (50 ms).
ROWS_AT_ONCE = 2_000
HEAD_LINES = 100
MAX_ROW_BYTES = 1_000_000  # a text without separators is no endless row
NEEDED = ("JobID", "JobIDRaw", "State", "Submit", "End")
HOW_TO = f"TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -D -X -P -S START --format={','.join(FIELDS)}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some thousand rows. What cannot be read is a problem and no attempt.

    ``lines_done`` counts from the first batch of the file, without its header. The last row of a
    file is not counted: it may go on when the file does.
    """

    attempts: list[AccountedJob]
    problems: list[str]
    lines_done: int
    digest: str  # SHA-256 of the header and those lines


class Dump:
    """Read once, in this order: the header, perhaps ``skip``, then ``batches``.

    Raises ParseError where the header lacks what an attempt is known by.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        rest = iter(lines)
        header = next(rest, b"")
        text = header.decode(errors="replace").rstrip("\n")
        separator = SEPARATOR if SEPARATOR in text else "|"
        self._fields = text.split(separator)
        if missing := [name for name in NEEDED if name not in self._fields]:
            lacks = f"the header lacks {', '.join(missing)}; make the file with: {HOW_TO}"
            raise ParseError("sacct", text, lacks)
        self._separator = separator
        head = list(islice(rest, HEAD_LINES))
        self._lines = chain(head, rest)
        self._done = hashlib.sha256(header)
        self.lines_done = 0
        self.fingerprint = hashlib.sha256(header + b"".join(head)).hexdigest()

    def skip(self, lines: int, digest: str) -> bool:
        """Pass over the lines done before; whether these are the same lines."""
        self._pass(islice(self._lines, lines))
        return (self.lines_done, self._done.hexdigest()) == (lines, digest)

    def batches(self) -> Iterator[Batch]:
        rows: list[bytes] = []
        for line in self._lines:
            if rows and self._goes_on(rows[-1], line):
                rows[-1] += line
                continue
            if len(rows) >= ROWS_AT_ONCE:
                yield self._batch(rows, rows)
                rows = []
            rows.append(line)
        if rows:
            yield self._batch(rows, rows[:-1])

    def _goes_on(self, row: bytes, line: bytes) -> bool:
        """The rule of tracker.slurm.rows: names and comments may hold line breaks."""
        separator = self._separator.encode()
        missing = len(self._fields) - 1 - row.count(separator)
        return len(row) < MAX_ROW_BYTES and (
            separator not in line or 0 < missing >= line.count(separator)
        )

    def _batch(self, rows: list[bytes], done: list[bytes]) -> Batch:
        attempts: list[AccountedJob] = []
        problems: list[str] = []
        for row in rows:
            # PostgreSQL keeps no NUL
            text = row.decode(errors="replace").replace("\0", "\ufffd")
            try:
                attempts += parse_sacct(text, fields=self._fields, separator=self._separator)
            except ParseError as error:
                problems.append(str(error))
        self._pass(done)
        return Batch(attempts, problems, self.lines_done, self._done.hexdigest())

    def _pass(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._done.update(piece)
            self.lines_done += piece.count(b"\n")
