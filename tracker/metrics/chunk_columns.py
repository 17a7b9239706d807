"""A stretch of metric points as bytes, column by column: some 9 bytes a point instead of 80.

Version 1: the version, then deflated together: steps and times as differences from the row
before, the 64 bits of the values as they are, and a byte a row that tells whether its time is
the client's. Each 64-bit column is laid out by byte (all lowest bytes, …, all highest), little
end first: the high bytes of neighbours are alike, and so deflate to almost nothing.

Written with the standard library alone, for processes that append and never load NumPy.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
WIDTH = 8  # bytes of a number
ROW_BYTES = 3 * WIDTH + 1


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Points of one attempt in order of their steps; those of one step as they came.

    ``time_us`` (epoch microseconds) is the client's own time where ``by_client``, else when the
    point was received.
    """

    step: NDArray[np.int64]
    value_bits: NDArray[np.int64]
    time_us: NDArray[np.int64]
    by_client: NDArray[np.bool_]

    def keys_at(self, steps: Collection[int]) -> Iterator[tuple[int, int, int | None]]:
        """Step, bits and the client's own time of the points at these steps."""
        import numpy as np

        rows = np.isin(self.step, np.fromiter(steps, np.int64, len(steps)))
        columns = (self.step, self.value_bits, self.time_us, self.by_client)
        lists = [column[rows].tolist() for column in columns]
        for step, bits, time_us, by_client in zip(*lists, strict=True):
            yield step, bits, time_us if by_client else None


def pack(
    step: Sequence[int],
    value_bits: Sequence[int],
    time_us: Sequence[int],
    by_client: Iterable[bool],
) -> bytes:
    """``unpack`` gives the same columns back. All are equally long; at least one row."""
    columns = [
        _by_byte(_differences(step)),
        _by_byte(array("q", value_bits)),
        _by_byte(_differences(time_us)),
        bytes(by_client),
    ]
    return bytes([VERSION]) + zlib.compress(b"".join(columns))


def unpack(packed: bytes | memoryview) -> Columns:
    """Raises ValueError for bytes that ``pack`` did not write."""
    import numpy as np

    if not packed or packed[0] != VERSION:
        raise ValueError(f"a chunk of version {bytes(packed[:1])!r}; this program reads {VERSION}")
    raw = np.frombuffer(zlib.decompress(packed[1:]), dtype=np.uint8)
    if not len(raw) or len(raw) % ROW_BYTES:
        raise ValueError(f"a chunk of {len(raw)} bytes; rows have {ROW_BYTES}")
    count = len(raw) // ROW_BYTES
    numbers = raw[: 3 * WIDTH * count].reshape(3, WIDTH, count).transpose(0, 2, 1)
    step, value_bits, time_us = np.ascontiguousarray(numbers).view("<i8")[:, :, 0]
    # Sums wrap around as the differences did.
    return Columns(
        np.cumsum(step, dtype=np.int64),
        value_bits.astype(np.int64),
        np.cumsum(time_us, dtype=np.int64),
        raw[3 * WIDTH * count :].astype(np.bool_),
    )


def _differences(numbers: Sequence[int]) -> array[int]:
    rises = [numbers[0], *map(sub, numbers[1:], numbers)]
    try:
        return array("q", rises)
    except OverflowError:
        return array("q", [(rise + 2**63) % 2**64 - 2**63 for rise in rises])


def _by_byte(column: array[int]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    raw = column.tobytes()
    return b"".join([raw[byte::WIDTH] for byte in range(WIDTH)])
