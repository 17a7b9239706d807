"""A line of progress now and then, for commands that may take minutes."""

from __future__ import annotations

import time
from collections.abc import Callable

QUIET_S, EVERY_S = 2.0, 5.0


class Progress:
    """Says nothing in its first two seconds, so that what is quick stays quiet.

    ``size`` and ``position`` are in the same unit (bytes of a file); a size of None is not known.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        size: int | None,
        position: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._size, self._position, self._clock = write, size, position, clock
        self._began_s: float | None = None
        self._due_s = 0.0
        self._began_at = 0

    def reached(self, rows: int) -> None:
        now_s = self._clock()
        if self._began_s is None:  # what was passed over before is no measure of what comes
            self._began_s, self._due_s = now_s, now_s + QUIET_S
            self._began_at = self._position() if self._size else 0
        elif now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._write(", ".join(self._words(rows, now_s - self._began_s)))

    def _words(self, rows: int, lasted_s: float) -> list[str]:
        words = [f"{rows} rows", f"{rows / lasted_s:.0f} rows/s"]
        if not self._size:
            return words
        position = self._position()
        left_s = lasted_s * (self._size - position) / max(1, position - self._began_at)
        return [f"{100 * position // self._size} %", *words, f"{_spoken(left_s)} left"]


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
