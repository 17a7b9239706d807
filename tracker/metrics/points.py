"""Metric values as they are kept and as JSON shows them. Light: every process imports it."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Sequence


def bits_of(value: float) -> int:
    """The 64 bits of a double, read as a signed integer: how MetricPoint keeps it."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def bits_of_all(values: Iterable[float]) -> array[int]:
    bits = array("q")
    bits.frombytes(array("d", values).tobytes())
    return bits


def value_of(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def json_value(value: float) -> float | str:
    """JSON has no word for what is not finite: those go as "NaN", "Infinity", "-Infinity"."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def json_values(values: Sequence[float]) -> Sequence[float | str]:
    """``json_value`` of each; the very list where all are finite."""
    return values if all(map(math.isfinite, values)) else [json_value(value) for value in values]
