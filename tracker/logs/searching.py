"""Finding words in a log of many GB, one bounded slice a call."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from tracker.logs.unreadable import translated

SLICE_BYTES = 64 * 1024**2
MAX_HITS = 100
LINE_CHARS = 300
NEEDLE_CHARS = 1_000

_CHUNK_BYTES = 4 * 1024**2
_BEFORE_CHARS = 100  # of the line, in front of what was found
_LINE_BYTES = 65_536  # a line that is longer counts as ended
_LINE_END = re.compile(rb"[\r\n]")  # progress bars part their states by \r

Find = Callable[[bytes, int], int]


@dataclass(frozen=True, slots=True)
class Hit:
    offset: int  # bytes, of the first find in the line
    line_text: str  # around it, at most LINE_CHARS


@dataclass(frozen=True, slots=True)
class Found:
    hits: list[Hit]  # one a line
    next_start: int | None  # where to go on; None at the end of the file
    scanned_bytes: int


def search(
    file: BinaryIO,
    needle: str,
    *,
    start: int,
    max_bytes: int = SLICE_BYTES,
    max_hits: int = MAX_HITS,
    ignore_case: bool = False,
) -> Found:
    """Lines that hold ``needle`` and in which it begins within ``max_bytes`` from ``start``.

    Going on at ``next_start`` finds every line once. Raises ValueError for a needle that cannot be
    looked for.
    """
    _refuse_unusable(needle, start, max_bytes, max_hits)
    find, longest = _finder(needle, ignore_case)
    hits: list[Hit] = []
    position = start
    with translated(file.name):
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        stop = min(start + max_bytes, size)
        while position < stop and len(hits) < max_hits:
            reach = min(_CHUNK_BYTES, stop - position)
            # What begins within reach may end beyond it.
            data = os.pread(descriptor, reach + longest - 1, position)
            data = data.lower() if ignore_case else data
            room = max_hits - len(hits)
            found, after = _scan(descriptor, data, position, reach=reach, find=find, max_hits=room)
            hits += found
            position = max(after, position + reach) if len(hits) < max_hits else after
    return Found(hits, position if position < size else None, max(0, min(position, size) - start))


def _refuse_unusable(needle: str, start: int, max_bytes: int, max_hits: int) -> None:
    if not 0 < len(needle) <= NEEDLE_CHARS:
        raise ValueError(f"the words have {len(needle)} characters; give 1 to {NEEDLE_CHARS}")
    if start < 0 or max_bytes < 1 or max_hits < 1:
        raise ValueError(
            f"start {start}, max_bytes {max_bytes}, max_hits {max_hits}: the first cannot be below "
            "0 nor the others below 1"
        )


def _scan(
    descriptor: int, data: bytes, position: int, *, reach: int, find: Find, max_hits: int
) -> tuple[list[Hit], int]:
    """Hits of one chunk, and the offset behind the last one's line."""
    hits: list[Hit] = []
    after = position
    while len(hits) < max_hits:
        at = find(data, after - position)
        if not 0 <= at < reach:
            break
        hit, after = _hit(descriptor, position + at)
        hits.append(hit)
    return hits, after


def _hit(descriptor: int, offset: int) -> tuple[Hit, int]:
    """The line around an offset, and the offset behind it."""
    back = min(offset, 4 * _BEFORE_CHARS)  # no character of UTF-8 is longer
    before = _LINE_END.split(os.pread(descriptor, back, offset - back))[-1]
    rest = _LINE_END.split(os.pread(descriptor, _LINE_BYTES, offset), maxsplit=1)[0]
    start_of_line = before.decode("utf-8", "replace")[-_BEFORE_CHARS:]
    line = start_of_line + rest.decode("utf-8", "replace")
    return Hit(offset, line[:LINE_CHARS]), offset + len(rest) + 1


# --- what to look for
def _finder(needle: str, ignore_case: bool) -> tuple[Find, int]:
    """How to find it in bytes from a position on, and how many bytes a find can have.

    Without case the bytes come with their ASCII letters lowered, which moves no offset.
    """
    plain = needle.encode()
    if not ignore_case or needle.isascii():
        sought = plain.lower() if ignore_case else plain
        return lambda data, start: data.find(sought, start), len(sought)
    forms = [_forms(character) for character in needle]
    pattern = re.compile(b"".join(b"(?:%s)" % b"|".join(map(re.escape, form)) for form in forms))

    def find(data: bytes, start: int) -> int:
        found = pattern.search(data, start)
        return found.start() if found else -1

    return find, sum(max(map(len, form)) for form in forms)


def _forms(character: str) -> set[bytes]:
    """A character in both cases, its ASCII letters lowered."""
    return {form.encode().lower() for form in (character, character.lower(), character.upper())}
