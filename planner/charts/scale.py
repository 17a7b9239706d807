"""Durations on an axis: a few round ones, in words."""

from __future__ import annotations

from planner.charts.types import Figure

TICKS_MAX = 6
MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS_S = tuple(
    count * unit
    for unit, counts in (
        (MINUTE, (1, 2, 5, 10, 20, 30)),
        (HOUR, (1, 2, 3, 6, 12)),
        (DAY, (1, 2, 5, 10, 20, 50, 100)),
    )
    for count in counts
)
ROUND_S = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY)


def words(seconds: float) -> str:
    """ "90 min", "6 h", "2 d": the largest unit that it is a whole number of."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def linear_ticks(longest_s: float) -> Figure:
    """Ticks of an axis in seconds that begins at 0, at most TICKS_MAX beyond it."""
    step_s = next((step for step in STEPS_S if longest_s / step <= TICKS_MAX), STEPS_S[-1])
    ticks = range(0, int(longest_s) + step_s, step_s)
    return {"tickvals": list(ticks), "ticktext": ["0", *map(words, ticks[1:])]}


def round_within(low_s: float, high_s: float) -> list[int]:
    """Round durations for a logarithmic axis."""
    return [at for at in (*ROUND_S[:3], 3 * HOUR, *ROUND_S[3:]) if low_s <= at <= high_s]
