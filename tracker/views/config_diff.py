"""Configurations side by side: one flat row per setting, and which settings differ."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

OTHERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """``others`` are the values that sibling runs have instead; "" stands for not set."""

    name: str
    value: str
    others: tuple[str, ...] = ()
    more: int = 0  # further values not listed


def flatten(config: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """``{"model": {"depth": 12}}`` as ``("model.depth", "12")``; lists stay JSON."""
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def settings_of(
    config: Mapping[str, object], siblings: Iterable[Mapping[str, object]]
) -> list[Setting]:
    """Every setting of a run or of its siblings, by name, with what siblings have instead."""
    mine = dict(flatten(config))
    theirs = [dict(flatten(sibling)) for sibling in siblings]
    names = sorted(set(mine).union(*theirs))
    settings = []
    for name in names:
        value = mine.get(name, "")
        others = sorted({other.get(name, "") for other in theirs} - {value})
        shown = tuple(others[:OTHERS_SHOWN])
        if name in mine or others:
            settings.append(Setting(name, value, shown, len(others) - len(shown)))
    return settings
