"""How much sooner a changed request starts or ends, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from planner.advice.option import Option
from planner.advice.shapes import Field, Of, Shape
from planner.advice.words import counted, share, span
from planner.advice.worth import is_worth_it


@dataclass(frozen=True, slots=True)
class Gain:
    gain_s: float | None  # sooner by the middle quantile; None: not known, or nothing to compare
    helps: bool
    words: str

    @classmethod
    def of(
        cls, before: Option, after: Option, of: Of, horizon_s: float, *, lost_s: float = 0.0
    ) -> Gain:
        """Where the start before is beyond the horizon it is at least so much. Compared with what
        is refused, all helps that starts at all.

        ``lost_s``: the time that the change loses on average by killing some runs; it does not
        help unless it gains enough beyond that.
        """
        if not before.allowed:
            return cls(None, after.has_start, "as asked it is refused")
        gain_s = _gain_s(before, after, of, horizon_s)
        wait_s = horizon_s if before.p50_s is None else before.p50_s
        helps = gain_s is not None and is_worth_it(gain_s - lost_s, wait_s, before.limit_minutes)
        return cls(gain_s, helps, _words(gain_s, of, is_least=not before.has_start))


def _gain_s(before: Option, after: Option, of: Of, horizon_s: float) -> float | None:
    if of == "start":
        old_s, new_s = before.p50_s, after.p50_s
    else:
        old_s, new_s = before.finish.p50_s, after.finish.p50_s
    if old_s is None and not before.has_start and before.later_than_horizon:
        old_s = horizon_s
    return None if old_s is None or new_s is None else old_s - new_s


def _words(gain_s: float | None, of: Of, *, is_least: bool) -> str:
    event = "starts" if of == "start" else "ends"
    if gain_s is None:
        return f"it is not known whether it {event} sooner"
    if abs(gain_s) < 60.0:
        return f"it {event} about as soon"
    least = "at least " if is_least else ""
    return f"it {event} {least}{span(abs(gain_s))} {'sooner' if gain_s > 0 else 'later'}"


def said(shape: Shape, gain: Gain, p_killed: float | None) -> str:
    """A change of the shape in a sentence, with its condition or its risk."""
    if shape.field != "limit_minutes":
        asked = _amount(shape.field, shape.after)
        return f"Ask for {asked} in place of {shape.before}, if {shape.condition}: {gain.words}."
    risk = (
        "too few of your runs are known to tell how many take longer"
        if p_killed is None
        else f"{share(p_killed)} of such runs take longer"
    )
    limit, was = span(60.0 * shape.after), span(60.0 * shape.before)
    return f"Ask for a limit of {limit} in place of {was}: {gain.words}; {risk}."


def _amount(field: Field, count: int) -> str:
    match field:
        case "gpus":
            return counted(count, "GPU")
        case "nodes":
            return counted(count, "node")
        case "cpus":
            return f"{counted(count, 'core')} a task"
        case _:
            return f"{count} MiB of memory"
