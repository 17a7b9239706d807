"""What was made lately, kept for whoever asks again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Recent(Generic[Key, Made]):
    """The ``most`` that were asked for last; others are made anew when asked for again.

    Unlike ``functools.lru_cache`` it holds nothing of who makes them, so that both go at once when
    they are let go and do not wait for the garbage collector.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Key, Made] = {}  # asked for longest ago first

    def get(self, key: Key, make: Callable[[], Made]) -> Made:
        try:
            made = self._kept.pop(key)
        except KeyError:
            made = make()
            if len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
        self._kept[key] = made
        return made
