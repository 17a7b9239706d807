"""Answers that are sent piece by piece: files in ranges, and only so many at once."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from tracker.api.problems import problem_response

AT_ONCE = 3  # of a web process, whose eight threads answer everything else besides
PIECE_BYTES = 262_144
# What browsers draw and nothing in it runs; every other type is saved and never opened by us.
PICTURE_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}

_slots = threading.BoundedSemaphore(AT_ONCE)
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class _Held:
    """Pieces of an answer. Its ``close``, which the server calls in any case, gives back the slot
    and closes what the pieces come from; a generator that was never begun would not."""

    def __init__(self, pieces: Iterable[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        _slots.release()
        self._close()


def streamed(
    pieces: Iterable[bytes], *, close: Callable[[], None] = lambda: None, **options: Any
) -> StreamingHttpResponse | HttpResponse:
    """The pieces, with a slot held meanwhile; 503 where all are taken. ``close`` comes last."""
    if not _slots.acquire(blocking=False):
        close()
        return problem_response(
            503,
            f"{AT_ONCE} downloads are under way, which is all at once; try again in a few seconds.",
            headers={"Retry-After": "5"},
        )
    return StreamingHttpResponse(_Held(pieces, close), **options)


def file_response(
    file: BinaryIO, name: str, *, asked_range: str, if_range: str, with_body: bool
) -> StreamingHttpResponse | HttpResponse:
    """The open file as an attachment, whole or the one range asked for (RFC 9110, section 14).

    The file is closed with the answer. It is cut where it was longer when the answer began.
    """
    status = os.fstat(file.fileno())
    size, etag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    wanted = _wanted(asked_range, size) if if_range in ("", etag) else None
    headers = {
        "Content-Type": content_type_of(name),
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=name),
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "private, no-cache",
    }
    if wanted is not None and not wanted:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    span = wanted or range(size)
    headers["Content-Length"] = str(len(span))
    if wanted:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    code = 206 if wanted else 200
    if not with_body:
        file.close()
        return HttpResponse(status=code, headers=headers)
    return streamed(_pieces(file, span), close=file.close, status=code, headers=headers)


def content_type_of(name: str) -> str:
    return PICTURE_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


def _wanted(asked: str, size: int) -> range | None:
    """The bytes of a Range header; None: the whole, as for several ranges; empty: not there."""
    match = _RANGE.fullmatch(asked.strip())
    if not match or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        return range(max(0, size - int(last)), size)
    stop = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return None  # no valid range, and so ignored
    return range(int(first), stop) if int(first) < size else range(0)


def _pieces(file: BinaryIO, span: range) -> Iterator[bytes]:
    at = span.start
    while at < span.stop and (
        piece := os.pread(file.fileno(), min(PIECE_BYTES, span.stop - at), at)
    ):
        yield piece
        at += len(piece)
