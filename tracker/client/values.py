"""Metrics and configurations as they stand in a spool and in requests."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any, Iterator, Mapping, NamedTuple  # noqa: UP035 (Python 3.8)

NAME_CHARS = 250
POINTS_A_LINE = 500  # at most; a line is sent whole, and a request holds 1,000 points
DEEPEST = 30  # levels of a configuration; the service takes 40 of a request


class Logged(NamedTuple):
    """One call of log()."""

    time_s: float
    step: int
    values: dict[str, float]


def line_of(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, separators=(",", ":"), allow_nan=False) + "\n").encode()


def lines_of(logged: Logged) -> Iterator[bytes]:
    told = [(name, json_number(value)) for name, value in logged.values.items()]
    for start in range(0, len(told), POINTS_A_LINE):
        part = dict(told[start : start + POINTS_A_LINE])
        yield line_of({"t": logged.time_s, "s": logged.step, "m": part})


def points_of(record: Mapping[str, Any], attempt: int | None) -> Iterator[dict[str, Any]]:
    """A line of metrics as the service takes it. The time makes a point sent twice known."""
    for name, value in record["m"].items():
        point = {"name": name, "value": value, "step": record["s"], "time": record["t"]}
        yield point if attempt is None else {**point, "attempt": attempt}


def json_number(value: float) -> float | str:
    """JSON has no word for what is not finite."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def is_metric_name(name: object) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS:
        return False
    return name == stored_text(name)


def stored_text(text: str) -> str:
    """Without a NUL and halves of surrogate pairs, which PostgreSQL refuses."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def json_value(value: Any, depth: int = 0) -> Any:
    """A configuration's value as JSON can hold it; what it cannot, as text."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return json_number(value)
    if depth < DEEPEST and isinstance(value, Mapping):
        return {stored_text(str(k)): json_value(v, depth + 1) for k, v in value.items()}
    if depth < DEEPEST and isinstance(value, (list, tuple, set, frozenset)):
        return [json_value(item, depth + 1) for item in value]
    with suppress(Exception):  # scalars of numpy and torch
        return json_value(value.item(), depth + 1)
    return stored_text(str(value))
