from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Of one recording: rows told of, and rows written because they were new or different."""

    seen: int = 0
    created: int = 0
    changed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.seen + other.seen, self.created + other.created, self.changed + other.changed
        )
