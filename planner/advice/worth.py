"""How much sooner is worth a change of plans."""

LEAST_GAIN_S = 600.0
LEAST_SHARE = 0.1  # of the wait


def is_worth_it(gain_s: float, wait_s: float) -> bool:
    """Enough for a person to ask for something else than was wanted."""
    return gain_s >= max(LEAST_GAIN_S, LEAST_SHARE * wait_s)
