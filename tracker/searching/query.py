"""The filter language of runs, read into plain clauses.

::

    metrics.loss < 0.1 and config.optim.lr >= 0.001 and tag = baseline and status = TIMEOUT

A filter is clauses joined by ``and``: a key, a comparison, a value. ``search`` turns clauses into
queries; another language for the same questions (MLflow's) becomes the same clauses.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from tracker.searching.keys import EVERY, TEXT_CHARS, Holds, Key, QueryError, parse_key
from tracker.slurm.states import RunStatus

CLAUSES = 20
LISTED = 200  # values of one ``in``
NULL_CHECKS = ("is null", "is not null")
NON_FINITE = {
    "nan": "NaN",
    "inf": "Infinity",
    "infinity": "Infinity",
    "-inf": "-Infinity",
    "-infinity": "-Infinity",
}
_EQUAL = ("=", "!=")
_ORDER = ("<", "<=", ">", ">=")
_LISTS = ("in", "not in")
_LIKE = ("like", "ilike")

Value = int | float | str | datetime


@dataclass(frozen=True, slots=True)
class Clause:
    """``values`` is empty for the null checks, and one value save for ``in`` and ``not in``.

    Of a metric a value may be "NaN", "Infinity" or "-Infinity".
    """

    key: Key
    op: str
    values: tuple[Value, ...] = ()


def parse_where(text: str) -> list[Clause]:
    """The clauses of a filter; empty text has none. QueryError where it makes no sense."""
    if len(text) > TEXT_CHARS:
        raise QueryError(f"The filter has {len(text)} characters; give at most {TEXT_CHARS}.")
    reader = _Reader(text)
    clauses: list[Clause] = []
    while not reader.at_end:
        if clauses:
            _join(reader)
        clauses.append(_clause(reader))
    if len(clauses) > CLAUSES:
        raise QueryError(f"The filter has {len(clauses)} clauses; give at most {CLAUSES}.")
    return clauses


def comparisons(key: Key) -> tuple[str, ...]:
    """What a key can be compared by."""
    match key.holds:
        case Holds.TEXT | Holds.STATUS:
            return (*_EQUAL, *_LIKE, *_LISTS, *NULL_CHECKS)
        case Holds.EITHER:
            return (*_EQUAL, *_ORDER, *_LIKE, *_LISTS, *NULL_CHECKS)
        case Holds.NUMBER | Holds.WHOLE:
            return (*_EQUAL, *_ORDER, *_LISTS, *NULL_CHECKS)
    return (*_ORDER, *NULL_CHECKS)


class _Reader:
    """Tokens of a filter one after the other, and where they stand."""

    TOKEN = re.compile(
        r"""\s*(?:
          (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
        | (?P<key>[A-Za-z]+\.(?:`[^`]+`|"[^"]+"))
        | (?P<sign><=|>=|!=|<>|==|=|<|>)
        | (?P<mark>[(),])
        | (?P<word>[^\s=<>!(),'"`]+)
        )""",
        re.VERBOSE,
    )

    def __init__(self, text: str) -> None:
        self.text = text.rstrip()
        self.at = 0
        self.before = 0  # where the token taken last begins

    @property
    def at_end(self) -> bool:
        return self.at >= len(self.text)

    def peek(self) -> re.Match[str] | None:
        if self.at_end:
            return None
        if match := self.TOKEN.match(self.text, self.at):
            return match
        self.before = self.at
        raise self.error("cannot be read; a quotation mark may not be closed")

    def take(self, expected: str) -> re.Match[str]:
        token = self.peek()
        if token is None:
            raise QueryError(f"The filter ends where {expected} is expected.")
        self.before, self.at = self.at, token.end()
        return token

    def takes(self, word: str) -> bool:
        """Whether the next token is this bare word, which is then taken."""
        token = self.peek()
        if token is None or (token["word"] or "").lower() != word:
            return False
        self.take(word)
        return True

    def error(self, trouble: str) -> QueryError:
        """Of the token taken last."""
        rest = self.text[self.before :].lstrip()
        at = len(self.text) - len(rest) + 1
        shown = rest if len(rest) <= 30 else f"{rest[:30]}…"
        return QueryError(f"At character {at}, “{shown}” {trouble}.")


def _join(reader: _Reader) -> None:
    if reader.takes("and"):
        return
    if reader.takes("or"):
        raise reader.error("is not known: clauses are joined by “and”; for one of several values "
                           "write key in (a, b)")  # fmt: skip
    reader.take("and")
    raise reader.error("stands where the filter ends or goes on with “and”")


def _clause(reader: _Reader) -> Clause:
    token = reader.take("a key such as metrics.loss")
    if not (token["word"] or token["key"]):
        raise reader.error("stands where a key such as metrics.loss is expected")
    key = parse_key(token["word"] or token["key"])
    if key.name == EVERY:
        raise reader.error("is no single thing to compare: name one, as in metrics.loss")
    op = _op(reader, key)
    if op in NULL_CHECKS:
        return Clause(key, op)
    if op in _LISTS:
        return Clause(key, op, tuple(_list(reader, key)))
    return Clause(key, op, (_value(reader, key, op),))


def _op(reader: _Reader, key: Key) -> str:
    known = comparisons(key)
    token = reader.take(f"a comparison of {key}, such as {known[0]},")
    began = reader.before
    sign = token["sign"] or (token["word"] or "").lower()
    op = {"==": "=", "<>": "!="}.get(sign, sign)
    if op == "not" and reader.takes("in"):
        op = "not in"
    elif op == "is":
        is_not = reader.takes("not")
        op = NULL_CHECKS[is_not] if reader.takes("null") else op
    if op not in known:
        reader.before = began
        raise reader.error(f"is no comparison of {key}: write one of {', '.join(known)}")
    return op


def _list(reader: _Reader, key: Key) -> list[Value]:
    expected = f"a list such as {key} in (a, b)"
    values: list[Value] = []
    mark = reader.take(expected)["mark"]
    if mark != "(":
        raise reader.error(f"stands where {expected} is expected")
    while mark != ")":
        values.append(_value(reader, key, "in"))
        mark = reader.take(expected)["mark"]
        if mark not in (",", ")"):
            raise reader.error(f"stands where {expected} is expected")
    if len(values) > LISTED:
        raise QueryError(f"{key} in (…) has {len(values)} values; give at most {LISTED}.")
    return values


def _value(reader: _Reader, key: Key, op: str) -> Value:
    token = reader.take(f"a value of {key}")
    if token["quoted"]:
        quote = token["quoted"][0]
        text = token["quoted"][1:-1].replace(quote * 2, quote)
    elif token["word"]:
        text = token["word"]
    else:
        raise reader.error(f"is no value: {key} is {key.holds}")
    # Quotes say that a setting is text, also one that looks like a number.
    if op in _LIKE or (key.holds is Holds.EITHER and token["quoted"]):
        return text
    value = read_value(text, key)
    if value is None or (key.is_metric and isinstance(value, str) and op in _ORDER):
        raise reader.error(f"does not fit: {key} is {key.holds}")
    return value


def read_value(text: str, key: Key) -> Value | None:
    """What a text stands for, by what the key holds; None where it is none such."""
    value: Value | None = text
    match key.holds:
        case Holds.NUMBER | Holds.WHOLE | Holds.EITHER:
            value = _number(text)
            if value is None and key.is_metric:
                value = NON_FINITE.get(text.lower())
            elif value is None and key.holds is Holds.EITHER:
                value = text
            elif key.holds is Holds.WHOLE and not isinstance(value, int):
                value = None
        case Holds.MOMENT:
            value = _moment(text)
        case Holds.STATUS:
            value = text.upper() if text.upper() in RunStatus.__members__ else None
    return value


def _number(text: str) -> int | float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII):
        return None
    try:
        number = int(text) if text.lstrip("+-").isdigit() else float(text)
        number = number if abs(number) < 2**63 else float(text)
    except ValueError:  # thousands of digits
        return None
    return number if math.isfinite(number) else None


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
