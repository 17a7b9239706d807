"""Parameters that a site sets as words: ``bf_interval=10,bf_continue``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.snapshot.facts import SnapshotNote


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers among the parameters of one setting; what is none gets the default and a note."""

    setting: str
    parameters: Mapping[str, str]
    notes: list[SnapshotNote]

    def __call__(self, name: str, default: float) -> float:
        text = self.parameters.get(name)
        if text is None:
            return default
        try:
            return float(text)
        except ValueError:
            about = f"{self.setting} {name}={text}"
            self.notes.append(SnapshotNote(about, f"is not a number; {default:g} is assumed"))
            return default
