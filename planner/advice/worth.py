"""How much sooner is worth a change of plans."""

from math import inf

LEAST_GAIN_S = 600.0
LEAST_SHARE = 0.1  # of the wait
SHARE_OF_LIMIT = 0.25  # who asks for minutes counts in minutes


def is_worth_it(gain_s: float, wait_s: float, limit_minutes: int | None = None) -> bool:
    """Enough for a person to ask for something else than was wanted, for a job of this limit."""
    limit_s = inf if limit_minutes is None else 60.0 * limit_minutes
    return gain_s >= max(min(LEAST_GAIN_S, SHARE_OF_LIMIT * limit_s), LEAST_SHARE * wait_s)
