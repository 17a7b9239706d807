"""When, in the wait of a job, its forecasts enter the record that they are judged by."""

from __future__ import annotations

MINUTES = (0, 10, 60, 360)


def last_reached(waited_s: float) -> int:
    """The last milestone, in minutes, that a job has reached which has waited so long.

    Waited since it was submitted, as its user counts: a hold and a dependency are waits too.
    """
    return max(minutes for minutes in MINUTES if minutes * 60 <= max(waited_s, 0.0))
