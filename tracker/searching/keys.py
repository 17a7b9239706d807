"""What of a run can be asked for, sorted by and shown in a column, by its key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

COLUMNS = 40
TEXT_CHARS = 4_000
EVERY = "*"  # as a column's name: all that there are of its kind


class QueryError(ValueError):
    """What is wrong with a query, where, and what would do: sentences for people."""


class Kind(StrEnum):
    METRIC = "metrics"  # the last value
    MIN = "min"  # the least finite value of a metric
    MAX = "max"
    CONFIG = "config"
    TAG = "tags"
    ATTRIBUTE = "attributes"


class Holds(StrEnum):
    """What a key's values are."""

    NUMBER = "a number, such as 0.1"
    WHOLE = "a whole number, such as 3"
    TEXT = "text, such as baseline or 'two words'"
    MOMENT = "a moment in UTC, such as 2026-11-28 or '2026-11-28 14:30'"
    STATUS = "a status, such as COMPLETED or RUNNING"
    EITHER = "a number or text"


ATTRIBUTES = {
    "status": Holds.STATUS,
    "name": Holds.TEXT,
    "id": Holds.TEXT,
    "tag": Holds.TEXT,  # the name of any of its tags
    "experiment": Holds.TEXT,
    "user": Holds.TEXT,
    "cluster": Holds.TEXT,
    "seed": Holds.WHOLE,
    "job": Holds.WHOLE,
    "attempt": Holds.WHOLE,
    "exit_code": Holds.WHOLE,
    "created_at": Holds.MOMENT,
    "submitted_at": Holds.MOMENT,
    "started_at": Holds.MOMENT,
    "ended_at": Holds.MOMENT,
    "waited_s": Holds.NUMBER,
    "duration_s": Holds.NUMBER,
}
_KINDS = {kind.value: kind for kind in Kind} | {
    "metric": Kind.METRIC,
    "params": Kind.CONFIG,
    "param": Kind.CONFIG,
    "attribute": Kind.ATTRIBUTE,
}
PLAIN = re.compile(r"[^\s=<>!(),'\"`]+")
_KEY = re.compile(r"(?:(?P<kind>[A-Za-z]+)\.)?(?P<name>`[^`]+`|\"[^\"]+\"|[^`\"]+)", re.DOTALL)
_COLUMN = re.compile(r"(?:`[^`]*`|\"[^\"]*\"|[^,`\"])+")


@dataclass(frozen=True, slots=True)
class Key:
    """``name`` is as the run has it: a metric's or tag's, a setting's with its dots."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As ``parse_key`` reads it."""
        if self.kind is Kind.ATTRIBUTE:
            return self.name
        name = self.name if PLAIN.fullmatch(self.name) else f"`{self.name}`"
        return f"{self.kind}.{name}"

    @property
    def holds(self) -> Holds:
        match self.kind:
            case Kind.ATTRIBUTE:
                return ATTRIBUTES[self.name]
            case Kind.CONFIG:
                return Holds.EITHER
            case Kind.TAG:
                return Holds.TEXT
        return Holds.NUMBER

    @property
    def is_metric(self) -> bool:
        return self.kind in (Kind.METRIC, Kind.MIN, Kind.MAX)


@dataclass(frozen=True, slots=True)
class Sort:
    key: Key
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.key}" if self.descending else str(self.key)


def parse_key(text: str) -> Key:
    """``metrics.loss``, ``config.optim.lr``, ``tags.`two words``` or an attribute: ``seed``."""
    match = _KEY.fullmatch(text.strip())
    kind = _KINDS.get((match["kind"] or "attributes").lower()) if match else None
    if match is None or kind is None:
        raise QueryError(
            f"“{text}” is no key: write metrics.NAME, min.NAME, max.NAME, config.NAME, tags.NAME, "
            f"or one of {', '.join(ATTRIBUTES)}."
        )
    name = match["name"].strip('`"')
    if '"' in name or "`" in name:  # no path into JSON can say it on SQLite
        raise QueryError(f"“{text}” cannot be asked for: a name with quotation marks in it.")
    if kind is Kind.ATTRIBUTE and name not in ATTRIBUTES:
        raise QueryError(
            f"“{name}” is no attribute of a run. Metrics, settings and tags have their kind before "
            f"them, as in metrics.{name} or config.{name}; attributes are {', '.join(ATTRIBUTES)}."
        )
    return Key(kind, name)


def parse_sort(text: str) -> Sort | None:
    """``-metrics.loss``: largest first. None where there is none."""
    text = text.strip()
    if not text:
        return None
    sort = Sort(parse_key(text.removeprefix("-")), descending=text.startswith("-"))
    if sort.key == Key(Kind.ATTRIBUTE, "tag") or sort.key.name == EVERY:
        raise QueryError(f"Runs cannot be sorted by {sort.key}: name one, as in tags.dataset.")
    return sort


def parse_columns(text: str) -> list[Key]:
    """Keys with commas between, each once; ``metrics.*`` stands for all of a kind."""
    if len(text) > TEXT_CHARS:
        raise QueryError(f"The columns have {len(text)} characters; give at most {TEXT_CHARS}.")
    keys = [parse_key(part) for part in _COLUMN.findall(text) if part.strip()]
    if len(keys := list(dict.fromkeys(keys))) > COLUMNS:
        raise QueryError(f"There are {len(keys)} columns; give at most {COLUMNS}.")
    return keys
