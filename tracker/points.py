"""Metric values as they are kept and as JSON shows them. Light: every process imports it."""

from __future__ import annotations

import math
import struct


def bits_of(value: float) -> int:
    """The 64 bits of a double, read as a signed integer: how MetricPoint keeps it."""
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def value_of(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])


def json_value(value: float) -> float | str:
    """JSON has no word for what is not finite: those go as "NaN", "Infinity", "-Infinity"."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
