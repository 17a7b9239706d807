"""Delimited rows: one core for every command whose fields are named by us.

Slurm escapes nothing. So the delimiter is a byte that nobody types (the transport sees to it that
nobody forges it either), free text stands last, and a row is split with a limit; a recording with
another delimiter or order is read by naming its fields.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from tracker.slurm import durations, tres
from tracker.slurm.errors import ParseError
from tracker.slurm.records import Tres

SEPARATOR = "\x1f"  # ASCII unit separator
_NO_VALUE_32 = frozenset({2**32 - 2, 2**32 - 1})  # and, of 64 bits, what is above any count

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """Field texts by name. A field that was not asked for reads as one that Slurm left empty."""

    command: str
    line: str
    texts: dict[str, str]

    def read(self, field: str, parse: Callable[[str], T]) -> T:
        """``parse`` of the field's text; its ValueError becomes a ParseError that shows the row."""
        try:
            return parse(self.raw(field))
        except ValueError as error:
            raise self.error(f"{field}: {error}") from error

    def error(self, problem: str) -> ParseError:
        return ParseError(self.command, self.line, problem)

    def raw(self, field: str) -> str:
        """As printed: for names, where "None" or "N/A" may be what the user typed."""
        return self.texts.get(field, "")

    def text(self, field: str) -> str | None:
        """None for ``(null)``, ``N/A``, ``None`` and nothing."""
        word = self.raw(field).strip()
        return None if word in tres.ABSENT else word

    def integer(self, field: str) -> int | None:
        """Also None for the numbers by which Slurm means "no value" and "infinite"."""
        number = self.read(field, tres.parse_count)
        return None if number in _NO_VALUE_32 or (number or 0) >= 2**63 else number

    def number(self, field: str) -> float | None:
        return self.read(field, _parse_number)

    def mem_mib(self, field: str) -> int | None:
        return self.read(field, tres.parse_mem_mib)

    def tres(self, field: str) -> Tres:
        return self.read(field, tres.parse_tres)

    def time(self, field: str) -> datetime | None:
        return self.read(field, durations.parse_time)

    def minutes(self, field: str) -> float | None:
        return self.read(field, durations.parse_minutes)

    def words(self, field: str) -> tuple[str, ...]:
        """A comma-separated list; empty where Slurm says nothing."""
        return tuple(word for word in (self.text(field) or "").split(",") if word)


def _parse_number(text: str) -> float | None:
    word = text.strip()
    number = math.nan if word in tres.ABSENT else float(word)
    return None if math.isnan(number) else number


def read_rows(
    text: str, fields: Sequence[str], *, command: str, separator: str = SEPARATOR
) -> Iterator[Row]:
    """Rows of exactly these fields; the last takes what is left, separators and newlines included.

    Job names and comments may hold newlines: a line without a separator continues the row above,
    and a row cut inside an earlier field is put together again. ParseError for what stays short.
    """
    needed = len(fields) - 1
    current = ""
    for line in text.split("\n"):
        missing = needed - current.count(separator)
        # A line that would overfill a short row is a row itself: a field is missing throughout.
        if current and (separator not in line or 0 < missing >= line.count(separator)):
            current += "\n" + line
            continue
        if current:
            yield _row(current, fields, command, separator)
        current = line
    if current.strip():
        yield _row(current.removesuffix("\n"), fields, command, separator)


def _row(line: str, fields: Sequence[str], command: str, separator: str) -> Row:
    texts = line.split(separator, len(fields) - 1)
    if len(texts) < len(fields):
        raise ParseError(
            command,
            line,
            f"has {len(texts)} of the {len(fields)} fields asked for ({fields[0]}, ...)",
        )
    return Row(command, line, dict(zip(fields, texts, strict=True)))
