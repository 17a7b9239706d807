"""Log files, compressed or not, line by line."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from planner.traces.cleaning import TraceError

_GZIP = b"\x1f\x8b"


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines from 1 on, without the white space around them. Raises OSError, TraceError."""
    with _open(path) as lines:
        try:
            for number, line in enumerate(lines, start=1):
                yield number, line.strip("\r\n\t ")
        except (EOFError, zlib.error) as error:
            raise TraceError(
                f"{path}: the compressed file is cut or damaged ({error}); copy it again"
            ) from error


def _open(path: Path) -> TextIO:
    """Whether a file is compressed is seen in its first bytes, whatever it is called."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == _GZIP
    if is_compressed:
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n")
    return path.open(encoding="utf-8", errors="replace", newline="\n")
