"""Runs that belong together because they are set alike. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tracker.flat_config import setting_words

Key = TypeVar("Key", bound=Hashable)
ALL = "config"  # in place of names: every setting but the seed


@dataclass(frozen=True, slots=True)
class Group(Generic[Key]):
    label: str
    members: tuple[Key, ...]


def is_seed(name: str) -> bool:
    """A configuration may hold the seed as well, at any depth."""
    return name.rpartition(".")[2] == "seed"


def groups_of(settings: Mapping[Key, Mapping[str, object]], by: Sequence[str]) -> list[Group[Key]]:
    """The groups of flat settings that are alike in ``by``: ``config``, or ``config.NAME``s.

    In the order of their first members. The label names the settings in which groups differ;
    one without a setting has "not set".
    """
    names = _names(settings, by)
    members: dict[tuple[str, ...], list[Key]] = {}
    for key, values in settings.items():
        alike = tuple(_words(values, name) for name in names)
        members.setdefault(alike, []).append(key)
    told = [place for place in range(len(names)) if len({alike[place] for alike in members}) > 1]
    if not told and ALL not in by:
        told = list(range(len(names)))
    return [Group(_label(alike, names, told), tuple(keys)) for alike, keys in members.items()]


def differing(settings: Sequence[Mapping[str, object]]) -> list[str]:
    """Names of the settings that are not the same in all, sorted."""
    names = sorted(set().union(*settings)) if settings else []
    return [name for name in names if len({_words(one, name) for one in settings}) > 1]


def _names(settings: Mapping[Key, Mapping[str, object]], by: Sequence[str]) -> list[str]:
    if ALL in by:
        every: set[str] = set().union(*settings.values()) if settings else set()
        return sorted(name for name in every if not is_seed(name))
    return [name.removeprefix(f"{ALL}.") for name in by]


def _words(values: Mapping[str, object], name: str) -> str:
    return setting_words(values[name]) if values.get(name) is not None else "not set"


def _label(alike: Sequence[str], names: Sequence[str], told: Sequence[int]) -> str:
    return ", ".join(f"{names[place]} = {alike[place]}" for place in told) or "same configuration"
