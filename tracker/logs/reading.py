"""Bounded pieces of a log that is still being written: its end, what follows, what came before.

Nothing is mapped into memory: a file that shrinks under a mapping kills the process.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from typing import BinaryIO

from tracker.logs.unreadable import translated

PIECE_BYTES = 65_536
MIN_PIECE_BYTES = 4  # one character of UTF-8, so that every piece gets on


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a file. Pieces that meet (one's ``end`` is the next one's ``start``) lose nothing."""

    text: str  # UTF-8; what is not is U+FFFD
    start: int  # bytes, like the next two
    end: int
    size: int  # of the whole file
    truncated: bool  # shorter than the caller knew it: begun anew by a requeue, say
    modified_at: float  # s since 1970, on the file server's clock


def read_piece(file: BinaryIO, *, start: int | None, max_bytes: int = PIECE_BYTES) -> Piece:
    """What follows ``start``, a former piece's ``end``; None: the end of the file.

    More than fits is cut after a line where one ends, never within a character. A start that the
    file no longer has begins again at 0.
    """
    _refuse_unusable(start, max_bytes)
    with translated(file.name):
        status = os.fstat(file.fileno())
        size = status.st_size
        truncated = start is not None and start > size
        begin = max(0, size - max_bytes) if start is None else 0 if truncated else start
        data = os.pread(file.fileno(), max_bytes, begin)
    if start is None:
        skipped = _to_line_start(data) if begin else 0
        begin, data = begin + skipped, data[skipped:]
    elif begin + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    text, length = _whole_characters(data)
    return Piece(text, begin, begin + length, size, truncated, status.st_mtime)


def read_before(file: BinaryIO, *, end: int, max_bytes: int = PIECE_BYTES) -> Piece:
    """The lines that end at ``end``, a known piece's ``start``: for scrolling back.

    An end that the file no longer has means the file's own.
    """
    _refuse_unusable(end, max_bytes)
    with translated(file.name):
        status = os.fstat(file.fileno())
        truncated = end > status.st_size
        end = min(end, status.st_size)
        begin = max(0, end - max_bytes)
        data = os.pread(file.fileno(), end - begin, begin)
    skipped = _to_line_start(data) if begin else 0
    text = data[skipped:].decode("utf-8", "replace")
    return Piece(text, begin + skipped, end, status.st_size, truncated, status.st_mtime)


def _refuse_unusable(offset: int | None, max_bytes: int) -> None:
    if offset is not None and offset < 0:
        raise ValueError(f"the offset is {offset}; bytes are counted from 0")
    if max_bytes < MIN_PIECE_BYTES:
        raise ValueError(f"max_bytes is {max_bytes}; give {MIN_PIECE_BYTES} or more")


def _to_line_start(data: bytes) -> int:
    """How much of ``data``, cut out of a file anywhere, is the rest of a line or of a character."""
    line = data.find(b"\n", 0, -1) + 1
    if line:
        return line
    # At most three bytes of a character can lie behind its first.
    return next((i for i, byte in enumerate(data[:3]) if byte & 0xC0 != 0x80), min(3, len(data)))


def _whole_characters(data: bytes) -> tuple[str, int]:
    """The text and how many bytes it took: a character that has only begun is left for later."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data)
    return text, len(data) - len(decoder.getstate()[0])
