"""The one reading layer for slurmrestd's JSON, whose versions write the same things differently.

Up to v0.0.38 a number is plain, or null where there is none or no limit; since v0.0.39 it is an
object ``{set, infinite, number}``. Keys move too, so a value is looked up under every path that it
ever had.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from tracker.slurm.durations import parse_time
from tracker.slurm.errors import ParseError
from tracker.slurm.records import Tres
from tracker.slurm.tres import ABSENT, parse_tres

_VERSION = re.compile(r"v0\.0\.([0-9]{1,4})", re.ASCII)
# By which Slurm means "no value" and "infinite" where it forgot to say so, in 32 and in 64 bits.
_NO_VALUE = frozenset({2**32 - 2, 2**64 - 2})
_INFINITE = frozenset({2**32 - 1, 2**64 - 1})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Piece:
    """One object of an answer: a job, a node, a QOS. Paths are keys joined by ``/``; of several
    the first that is there counts. What is not there reads as null."""

    command: str
    version: int  # 38 is v0.0.38
    values: Mapping[str, Any]

    def find(self, *paths: str) -> Any:
        for path in paths:
            value: Any = self.values
            for key in path.split("/"):
                if not isinstance(value, dict) or key not in value:
                    break
                value = value[key]
            else:
                return value
        return None

    def read(self, convert: Callable[[Any], T], *paths: str) -> T:
        """``convert`` of the value; its ValueError becomes a ParseError that shows the object."""
        try:
            return convert(self.find(*paths))
        except ValueError as error:
            raise self.error(f"{paths[0]}: {error}") from error

    def error(self, problem: str) -> ParseError:
        return ParseError(self.command, json.dumps(self.values, ensure_ascii=False), problem)

    def parsed(self, parse: Callable[[str], T], *paths: str) -> T:
        """``parse`` of the text."""
        return self.read(lambda value: parse(_raw(value)), *paths)

    def raw(self, *paths: str) -> str:
        """As typed, "" for null: for names, where "None" or "N/A" may be what was meant."""
        return self.read(_raw, *paths)

    def text(self, *paths: str) -> str | None:
        word = self.raw(*paths).strip()
        return None if word in ABSENT else word

    def integer(self, *paths: str) -> int | None:
        """None for null, for no value and for infinite."""
        return self.read(whole_number, *paths)

    def limit(self, *paths: str) -> float | None:
        """``math.inf`` for infinite, which is also -1 up to v0.0.38; None where nothing is said."""
        return self.read(_limit, *paths)

    def time(self, *paths: str) -> datetime | None:
        return self.read(_time, *paths)

    def words(self, *paths: str) -> tuple[str, ...]:
        """A list, or since ever and now and then text with commas."""
        return self.read(_words, *paths)

    def tres(self, *paths: str) -> Tres:
        """A TRES string, or a list of ``{type, name, count}``."""
        return self.read(_tres, *paths)


def read_pieces(text: str, command: str, *keys: str) -> Iterator[Piece]:
    """The objects in the answer's list of that key; ParseError for an answer without one."""
    document = read_document(text, command)
    items = document.find(*keys)
    if not isinstance(items, list):
        raise ParseError(command, text, f"no list {keys[0]!r}; is this an answer of slurmrestd?")
    for item in items:
        if not isinstance(item, dict):
            raise ParseError(command, str(item), f"an item of {keys[0]!r} is no object")
        yield Piece(command, document.version, item)


def read_document(text: str, command: str) -> Piece:
    """The whole answer; ParseError where it is no JSON object of a known kind."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(command, text, f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ParseError(command, text, "not a JSON object")
    whole = Piece(command, 0, document)
    plugin = whole.find("meta/plugin")
    words = plugin.values() if isinstance(plugin, dict) else ()
    versions = [match[1] for word in words if (match := _VERSION.search(str(word)))]
    if not versions:
        raise ParseError(command, text, "no version such as v0.0.38 in meta/plugin")
    return Piece(command, int(versions[0]), document)


def quantity(value: Any) -> float | None:
    """A count, ``math.inf`` for infinite, None for no value; ValueError for what is no number."""
    if isinstance(value, dict):
        if value.get("infinite") is True:
            return math.inf
        return quantity(value.get("number")) if value.get("set") is True else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:80]!r} is not a number")
    if value in _NO_VALUE:
        return None
    return math.inf if value in _INFINITE or value == -1 else value


def _limit(value: Any) -> float | None:
    number = quantity(value)
    if number is not None and number < 0:
        raise ValueError(f"{str(value)[:80]!r} is no limit")
    return number


def whole_number(value: Any) -> int | None:
    """None for no value and for infinite."""
    number = quantity(value)
    if number is None or math.isinf(number):
        return None
    if number != int(number) or abs(number) >= 2**63:
        raise ValueError(f"{str(value)[:80]!r} is not a whole number")
    return int(number)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _raw(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{str(value)[:80]!r} is not text")
    return value


def _time(value: Any) -> datetime | None:
    """Zero is "not yet"."""
    epoch_s = whole_number(value)
    return None if epoch_s is None else parse_time(str(epoch_s))


def _words(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else _raw(value).split(",")
    words = [_raw(item).strip() for item in items]
    return tuple(word for word in words if word not in ABSENT)


def _tres(value: Any) -> Tres:
    if not isinstance(value, list):
        return parse_tres(_raw(value))
    return parse_tres(",".join(filter(None, map(_tres_entry, value))))


def _tres_entry(item: Any) -> str:
    """``gres/gpu=2``; "" for a resource without a count."""
    if not isinstance(item, dict):
        raise ValueError(f"{str(item)[:80]!r} is no object with type, name and count")
    name, count = _raw(item.get("name")), whole_number(item.get("count"))
    kind = _raw(item.get("type"))
    return "" if count is None else f"{kind}{f'/{name}' if name else ''}={count}"
