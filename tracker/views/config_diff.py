"""Configurations side by side: which settings differ, and between whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tracker.comparing.groups import differing
from tracker.flat_config import flat, setting_words

OTHERS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Setting:
    """``others`` are the values that sibling runs have instead; "" stands for not set."""

    name: str
    value: str
    others: tuple[str, ...] = ()
    more: int = 0  # further values not listed


def settings_of(
    config: Mapping[str, object], siblings: Iterable[Mapping[str, object]]
) -> list[Setting]:
    """Every setting of a run or of its siblings, by name, with what siblings have instead."""
    mine = _words(flat(config))
    theirs = [_words(flat(sibling)) for sibling in siblings]
    names = sorted(set(mine).union(*theirs))
    settings = []
    for name in names:
        value = mine.get(name, "")
        others = sorted({other.get(name, "") for other in theirs} - {value})
        shown = tuple(others[:OTHERS_SHOWN])
        if name in mine or others:
            settings.append(Setting(name, value, shown, len(others) - len(shown)))
    return settings


@dataclass(frozen=True, slots=True)
class Differences:
    """Of flat settings: ``rows`` has for each of them the values of ``names`` ("": not set);
    ``same`` are the settings that all have alike."""

    names: list[str]
    rows: list[list[str]]
    same: list[Setting]


def differences(settings: Sequence[Mapping[str, object]]) -> Differences:
    names = differing(settings)
    words = [_words(one) for one in settings]
    shared = sorted(set(words[0]) - set(names)) if words else []
    return Differences(
        names=names,
        rows=[[one.get(name, "") for name in names] for one in words],
        same=[Setting(name, words[0][name]) for name in shared],
    )


def _words(settings: Mapping[str, object]) -> dict[str, str]:
    return {name: setting_words(value) for name, value in settings.items()}
