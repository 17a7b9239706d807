"""The tables of a cluster file as the text that Slurm's commands print.

So the parsers that read a real cluster read the file too, and a key means what Slurm documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, TypeVar

from tracker.slurm.errors import ParseError

T = TypeVar("T")
_BREAKS_ROWS = re.compile(r"[\s|]")


class ClusterFileError(ValueError):
    """A cluster file that cannot be used: names the file, the table, the value and the cure."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of table. ``keys``: those that may be given, with their names in Slurm's output."""

    title: str  # [[nodes]], as it stands in the file
    keys: Mapping[str, str]
    needed: Sequence[str]  # the first names the table


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file, its values as text under the names of Slurm's output."""

    kind: Kind
    where: str  # "cluster.toml, [[nodes]] gpu[01-04]"
    texts: Mapping[str, str]

    def error(self, problem: str) -> ClusterFileError:
        return ClusterFileError(f"{self.where}: {problem}")

    def parsed(self, parse: Callable[[str], Sequence[T]], text: str) -> T:
        """The one record that Slurm's parser makes of the text."""
        try:
            return parse(text)[0]
        except ParseError as error:
            printed, _, problem = error.problem.partition(": ")
            names = {printed: key for key, printed in self.kind.keys.items()}
            raise self.error(f"{names.get(printed, printed)}: {problem}; mend it") from error

    def as_block(self) -> str:
        """As scontrol show prints it, a line a key."""
        return "\n".join(f"{key}={text}" for key, text in self.texts.items())

    def as_row(self, fields: Sequence[str]) -> str:
        """As sacctmgr -P show prints it."""
        return "|".join(self.texts.get(field, "") for field in fields)


def tables_of(content: Mapping[str, Any], name: str, kind: Kind, path: object) -> list[Table]:
    """All tables of a kind, in the order of the file. Raises ClusterFileError."""
    found = content.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ClusterFileError(f"{path}, {name}: write each as a table of its own, {kind.title}")
    return [
        table_of(one, kind, f"{path}, {kind.title} {one.get(kind.needed[0], number)}")
        for number, one in enumerate(found, start=1)
    ]


def table_of(values: Mapping[str, Any], kind: Kind, where: str) -> Table:
    """Keys in any case, as Slurm takes them. Raises ClusterFileError."""
    printed_of = {key.lower(): printed for key, printed in kind.keys.items()}
    texts: dict[str, str] = {}
    for key, value in values.items():
        if key.lower() not in printed_of:
            raise ClusterFileError(f"{where}: {key} is no key here; {_cure(key, kind.keys)}")
        texts[printed_of[key.lower()]] = _text(value, f"{where}: {key}")
    for key in kind.needed:
        if not texts.get(kind.keys[key]):
            raise ClusterFileError(f"{where}: {key} is missing; give it")
    return Table(kind, where, texts)


def _cure(key: str, known: Iterable[str]) -> str:
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(key.lower(), by_lower, n=1)
    return f"is it {by_lower[near[0]]}?" if near else f"give one of {', '.join(by_lower.values())}"


def _text(value: object, where: str) -> str:
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        value = ",".join(value)
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str | int | float):
        raise ClusterFileError(f"{where} is {value!r}; give a text, a number or a list of texts")
    text = str(value)
    if _BREAKS_ROWS.search(text):
        raise ClusterFileError(f"{where} is {text!r}; Slurm allows no spaces and no | there")
    return text
