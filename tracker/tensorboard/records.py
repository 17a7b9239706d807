"""Records of a TFRecord file that may still be written to: length, its check sum, bytes, theirs.

Format: tensorflow/core/lib/io/record_writer.h. Both sums are CRC-32C, masked.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Literal

Stop = Literal["end", "more", "cut", "damaged"]

# Scalars take a hundred bytes; what is larger (pictures, graphs) is stepped over unread.
MAX_RECORD_BYTES = 262_144
_WINDOW_BYTES = 1_048_576
_HEADER, _FOOTER = struct.Struct("<QI"), struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_MASK_DELTA = 0xA282EAD8


@dataclass(frozen=True, slots=True)
class Stretch:
    """``end``: go on from there. ``stop``: "end" of the file, "more" follows, the record at ``end``
    is "cut" (being written, or never finished) or "damaged" (or not all of it has arrived)."""

    records: list[bytes]
    end: int
    stop: Stop


def read_records(descriptor: int, start: int, *, max_bytes: int) -> Stretch:
    """The whole records from ``start`` on, until ``max_bytes`` are passed. Raises OSError."""
    size = os.fstat(descriptor).st_size
    window = _Window(descriptor)
    records: list[bytes] = []
    at = start
    while at < size:
        if at - start >= max_bytes:
            return Stretch(records, at, "more")
        record, end, stop = _record_at(window, at, size)
        if stop:
            return Stretch(records, at, stop)
        if record is not None:
            records.append(record)
        at = end
    return Stretch(records, at, "end")


def _record_at(window: _Window, at: int, size: int) -> tuple[bytes | None, int, Stop | None]:
    """The record, None where it is too large to be read; its end; or what is wrong with it."""
    header = window.read(at, _HEADER.size)
    if len(header) < _HEADER.size:
        return None, at, "cut"
    length, length_sum = _HEADER.unpack(header)
    if _masked_sum(_LENGTH.pack(length)) != length_sum:
        return None, at, "damaged"
    end = at + _HEADER.size + length + _FOOTER.size
    if end <= size and length > MAX_RECORD_BYTES:
        return None, end, None
    body = window.read(at + _HEADER.size, length + _FOOTER.size) if end <= size else b""
    if len(body) < length + _FOOTER.size:
        return None, at, "cut"
    is_sound = _masked_sum(body[:length]) == _FOOTER.unpack(body[length:])[0]
    return body[:length], end, None if is_sound else "damaged"


class _Window:
    """Small reads out of large ones."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._start, self._data = 0, b""

    def read(self, at: int, count: int) -> bytes:
        if not self._start <= at <= at + count <= self._start + len(self._data):
            self._start, self._data = at, os.pread(self._descriptor, _WINDOW_BYTES, at)
        return self._data[at - self._start : at - self._start + count]


def _masked_sum(data: bytes) -> int:
    import google_crc32c

    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF
