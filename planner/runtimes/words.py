"""On which jobs a run time rests, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from planner.runtimes.window import Window

ENOUGH = 5  # ended jobs: the finest group with so many is named

_WHOSE = {
    ("user", "name"): "your last {} of this name",
    ("user", "procs", "limit"): "your last {} of this size and time limit",
    ("user",): "your last {}",
    ("account",): "the last {} of your account",
    ("partition", "procs", "limit"): "the last {} of this partition, size and time limit",
    ("procs", "limit"): "the last {} of this size and time limit",
    (): "the last {} of the cluster",
}
_NOTHING = "no job like it has ended yet; first jobs of users mostly end long before their limit"


def whence(windows: Iterable[tuple[tuple[str, ...], Window | None]], limit_s: float) -> str:
    """Of the finest group in which enough jobs ended; ``windows`` come finest first."""
    ended = [
        (likeness, window)
        for likeness, window in windows
        if window is not None and window.is_end.any()
    ]
    if not ended:
        return _NOTHING
    enough = [pair for pair in ended if np.count_nonzero(pair[1].is_end) >= ENOUGH]
    likeness, window = (enough or ended[-1:])[0]
    count = int(np.count_nonzero(window.is_end))
    whose = _WHOSE[likeness].format("job" if count == 1 else f"{count} jobs")
    return f"{whose} {_used(window, limit_s)}"


def _used(window: Window, limit_s: float) -> str:
    run_s, own_limit_s = window.run_s[window.is_end], window.limit_s[window.is_end]
    if math.isinf(limit_s) or np.isinf(own_limit_s).any():
        low, high = (_time(s) for s in np.quantile(run_s, (0.1, 0.9)))
        return f"ran {low}" if low == high else f"ran {low} to {high}"
    shares = np.minimum(1.0, run_s / own_limit_s)
    low_percent, high_percent = (round(100.0 * share) for share in np.quantile(shares, (0.1, 0.9)))
    if low_percent == high_percent:
        return f"used {low_percent} % of their time limit"
    return f"used {low_percent}–{high_percent} % of their time limit"


def _time(s: float) -> str:
    if s < 90.0:
        return f"{s:.0f} s"
    return f"{s / 60.0:.0f} min" if s < 5400.0 else f"{s / 3600.0:.1f} h"
