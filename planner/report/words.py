"""Durations and axes as people read them."""

from __future__ import annotations

from math import ceil, floor, log10

UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"), (86400.0, "d"))


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3.4 h``, ``5.2 d``."""
    unit_s, name = _unit(seconds)
    value = seconds / unit_s
    return f"{value:.0f} {name}" if value >= 10 or value.is_integer() else f"{value:.1f} {name}"


def _unit(seconds: float) -> tuple[float, str]:
    return next((unit for unit in reversed(UNITS) if seconds >= unit[0]), UNITS[0])


def time_ticks(low_s: float, high_s: float) -> list[tuple[float, str]]:
    """Round times and their labels, in the unit that suits what is between."""
    unit_s, name = _unit((high_s - low_s) / 3)
    return [
        (value * unit_s, f"{value:,g} {name}") for value in ticks(low_s / unit_s, high_s / unit_s)
    ]


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from low to high, some ``about``."""
    if high <= low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(k * step, 10) for k in range(ceil(low / step), floor(high / step) + 1)]
