"""Which jobs are alike: levels of likeness, and the rows of each group side by side."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Codes = Mapping[str, IntArray]  # by column

NONE = -1  # the code of an unknown word, the group of a job that has none

# The columns in which the jobs of a group agree, finest first. Jobs of one sweep agree in all that
# was asked for (name, partition, procs, limit). Levels by user and limit, or by user and
# processors, add nothing to these.
LIKENESS: tuple[tuple[str, ...], ...] = (
    ("user", "sweep"),
    ("user", "name"),
    ("user",),
    ("account",),
    ("partition", "procs", "limit"),
    ("procs", "limit"),
    (),
)
SWEEP = 0  # the level whose groups are sweeps
NAME = 1  # and that of the user's jobs of a name; NONE where no name is known

_DIGITS = re.compile(r"\d+")


def stem(name: str) -> str:
    """The name without its numbers: those of a sweep differ in nothing else."""
    return _DIGITS.sub("#", name)


class Words:
    """Numbers for the words of each column; "" is unknown and has none."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, Hashable], int] = {}

    def learn(self, column: str, words: Iterable[Hashable]) -> IntArray:
        codes = self._codes
        found = (
            NONE if word == "" else codes.setdefault((column, word), len(codes)) for word in words
        )
        return np.fromiter(found, dtype=np.int64)

    def look_up(self, column: str, words: Iterable[Hashable]) -> IntArray:
        """NONE for a word that was not learnt."""
        found = (self._codes.get((column, word), NONE) for word in words)
        return np.fromiter(found, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups of one level. A group is named by the place of its first row."""

    _columns: tuple[str, ...]
    _radix: int
    _keys: IntArray  # of the rows, sorted
    _rows: IntArray  # in that order, then by start
    _start_s: NDArray[np.float64]  # of _rows

    @classmethod
    def of(cls, codes: Codes, columns: tuple[str, ...], start_s: NDArray[np.float64]) -> Groups:
        """Of rows in the order of their starts."""
        radix = 1 + max(int(column.max(initial=0)) for column in codes.values())
        keys = _keys(codes, columns, radix)
        rows = np.argsort(keys, kind="stable")
        return cls(columns, radix, keys[rows], rows, start_s[rows])

    def find(self, codes: Codes) -> IntArray:
        keys = _keys(codes, self._columns, self._radix)
        if not len(self._rows):
            return np.full(len(keys), NONE)
        places = np.searchsorted(self._keys, keys)
        found = self._keys[np.minimum(places, len(self._keys) - 1)] == keys
        return np.where(found & (keys != NONE), places, NONE)

    def started(self, group: int, now_s: float) -> IntArray:
        """Rows of the group that had started by then, oldest start first."""
        end = int(np.searchsorted(self._keys, self._keys[group], side="right"))
        known = int(np.searchsorted(self._start_s[group:end], now_s, side="right"))
        return self._rows[group : group + known]


def _keys(codes: Codes, columns: tuple[str, ...], radix: int) -> IntArray:
    """One number a row for what it is in those columns; NONE where one of them is unknown."""
    length = len(next(iter(codes.values())))
    keys = np.zeros(length, dtype=np.int64)
    is_known = np.ones(length, dtype=np.bool_)
    for column in columns:
        keys = keys * radix + codes[column]
        is_known &= codes[column] != NONE
    return np.where(is_known, keys, NONE)
