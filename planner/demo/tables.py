"""Slurm's ways to ask for columns, and rows printed in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from planner.demo.refusal import SlurmRefusalError

Row = TypeVar("Row")
Field = Callable[[Row], object]

# %[[.]width]letter, then text up to the next %; sprio and squeue -o
_PERCENT = re.compile(r"%(\.?)([0-9]{0,4})([A-Za-z])")
# name[:[.][width][suffix]]; squeue -O and sinfo -O
_NAMED = re.compile(r"([A-Za-z_-]+)(?:(:)(\.?)([0-9]{0,4})(.*))?", re.DOTALL)
DEFAULT_WIDTH = 20  # of a name without colon


@dataclass(frozen=True, slots=True)
class Column:
    """``width`` 0 prints the whole value; ``text`` stands as it is where there is no name."""

    name: str
    width: int = 0
    right: bool = False
    suffix: str = ""

    def fill(self, value: str) -> str:
        if not self.width:
            return value + self.suffix
        cut = value[: self.width]
        return (cut.rjust(self.width) if self.right else cut.ljust(self.width)) + self.suffix


def percent_columns(text: str, names: Mapping[str, str], command: str) -> tuple[str, list[Column]]:
    """What stands before the first field, and the fields of ``%.18i %j``."""
    columns: list[Column] = []
    matches = list(_PERCENT.finditer(text))
    if not matches:
        raise SlurmRefusalError(f"{command}: error: Invalid job format specification: {text!r}")
    ends = [match.start() for match in matches[1:]] + [len(text)]
    for match, end in zip(matches, ends, strict=True):
        if match[3] not in names:
            raise SlurmRefusalError(
                f"{command}: error: Invalid job format specification: {match[3]}"
            )
        columns.append(
            Column(names[match[3]], int(match[2] or 0), bool(match[1]), text[match.end() : end])
        )
    return text[: matches[0].start()], columns


def named_columns(text: str, known: Iterable[str], command: str) -> list[Column]:
    """The fields of ``JobID:18,Name:.10,State``."""
    spelled = {name.lower(): name for name in known}
    columns = []
    for part in text.split(","):
        match = _NAMED.fullmatch(part)
        if match is None or match[1].lower() not in spelled:
            raise SlurmRefusalError(f"{command}: error: Invalid field requested: {part!r}")
        width = int(match[4] or 0) if match[2] else DEFAULT_WIDTH
        columns.append(Column(spelled[match[1].lower()], width, bool(match[3]), match[5] or ""))
    return columns


def parsable_columns(
    names: Sequence[str], delimiter: str, *, trailing: bool = False
) -> list[Column]:
    """Whole values between delimiters, as with -P (and -p, which ends the row with one)."""
    last = len(names) - 1
    return [
        Column(name, suffix=delimiter if position < last or trailing else "")
        for position, name in enumerate(names)
    ]


def table(
    columns: Sequence[Column],
    rows: Iterable[Row],
    fields: Mapping[str, Field[Row]],
    *,
    headings: Mapping[str, str] | None,
    prefix: str = "",
) -> str:
    """Lines of text; ``headings`` None prints no header, a name not in it heads its own column."""
    lines = []
    if headings is not None:
        lines.append(prefix + "".join(c.fill(headings.get(c.name, c.name)) for c in columns))
    for row in rows:
        lines.append(prefix + "".join(c.fill(str(fields[c.name](row))) for c in columns))
    return "".join(f"{line}\n" for line in lines)
