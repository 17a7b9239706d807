"""What a forecast says of a wait or a start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of a wait or a start, in seconds; None: not said.

    A point forecast says the same three times.
    """

    p10_s: float | None
    p50_s: float | None
    p90_s: float | None

    @classmethod
    def point(cls, s: float) -> Quantiles:
        return cls(s, s, s)
