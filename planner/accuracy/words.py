"""A track record in plain words."""

from __future__ import annotations

from planner.accuracy.scores import Score

FEW = 20  # rows: below it, one job more or less would move a share by more than five points
MANY = 200  # rows: from here on a share is known to a few points, and told in whole percents
KEPT = 0.85, 0.95  # shares before P90 that need no word on what was promised


def sentence(ours: Score, slurms: Score | None, what: str) -> str:
    """Whether the bound we gave held, and how near Slurm's own times came.

    Both scores are of the same rows; ``what`` they are, in the plural: "GPU jobs". None: of Slurm
    nothing is known. Without a 90 % bound the middle estimate is spoken of. A share is told to the
    precision that its rows carry, and none at all where they are few.
    """
    n = ours.n_compared
    if ours.n == 0:
        return f"No forecast for {what} has been scored yet."
    if n < FEW or ours.median_ae_s is None or ours.coverage_p50 is None:
        return (
            f"Of {ours.n} forecasts for {what}, {n} gave a time and can be compared with a start: "
            f"shares are told from {FEW} on."
        )
    if ours.coverage_p90 is not None:
        text = f"{rounded_share(ours.coverage_p90, n)} of {what} started before the time we gave"
        if not KEPT[0] <= ours.coverage_p90 <= KEPT[1]:
            text += " (90 % should)"
    else:
        text = (
            f"{rounded_share(ours.coverage_p50, n)} of {what} started before our middle estimate "
            f"(half should), and half of these estimates were off by less than "
            f"{_duration(ours.median_ae_s)}"
        )
    text += _of_slurms(ours, slurms)
    return text[0].upper() + text[1:] + "."


def _of_slurms(ours: Score, slurms: Score | None) -> str:
    if slurms is None:
        return ""
    n = slurms.n_compared
    if not slurms.answer_rate:
        return "; Slurm gave no time of its own for them"
    if n < FEW or slurms.within_factor_2 is None:
        return f"; too few of Slurm's own times ({n}) can be compared"
    right = f"was right within a factor of two for {rounded_share(slurms.within_factor_2, n)}"
    if slurms.answer_rate < 1.0:
        return f"; Slurm's own, given for {rounded_share(slurms.answer_rate, slurms.n)}, {right}"
    if ours.answer_rate == 1.0 and ours.within_factor_2 is not None:
        right += f", ours for {rounded_share(ours.within_factor_2, ours.n_compared)}"
    return f"; Slurm's own {right}"


def rounded_share(share: float, n: int) -> str:
    """Of ``n`` rows, in no more digits than they carry: whole percents, or steps of five."""
    step = 1 if n >= MANY else 5
    percent = round(100.0 * share / step) * step
    if percent == 100 and share < 1.0:
        return f"over {100 - step} %"
    if percent == 0 and share > 0.0:
        return f"under {step} %"
    return f"{percent} %" if step == 1 or share in (0.0, 1.0) else f"about {percent} %"


def _duration(seconds: float) -> str:
    """Rounded up to the minute, hour or day, since it is told as "less than"."""
    for unit_s, unit, until in ((60.0, "min", 90.0), (3600.0, "h", 48.0)):
        count = int(seconds // unit_s) + 1
        if count <= until:
            return f"{count} {unit}"
    return f"{int(seconds // 86_400.0) + 1} days"
