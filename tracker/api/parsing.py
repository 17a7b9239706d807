"""JSON bodies read once and strictly: size, depth, numbers, and text that a database can hold."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from tracker.api.problems import Problem, bad_field, too_large

MAX_DEPTH = 40
INT64 = range(-(2**63), 2**63)
_SUSPICIOUS = (b"\x00", b"\\u0000", b"\\ud", b"\\uD")


class StrictJSONParser(BaseParser):
    """DRF's own reads without a limit, and lets through what PostgreSQL refuses."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        _media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> object:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise too_large()
        headers = parser_context["request"].headers if parser_context else {}
        return parse_json(inflated(body, headers.get("Content-Encoding", "")))


class BareToken(float):
    """NaN, Infinity or -Infinity as JSON does not know them; all other numbers stay plain."""


def parse_json(body: bytes) -> object:
    """The value in ``body``; Problem 400 naming what is wrong with it."""
    value = _loads(body, parse_float=_float, parse_constant=_refuse_constant)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise Problem(400, f"The body is nested more than {MAX_DEPTH} deep; send flatter JSON.")
    if any(mark in body for mark in _SUSPICIOUS):
        for path, text in _texts(value):
            check_text(path, text)
    return value


def parse_points(body: bytes) -> object:
    """As ``parse_json``, for a body whose numbers and texts are checked one by one afterwards: a
    number beyond a 64-bit float is infinite here, and a bare token a BareToken."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # It takes no bare token, and says less of what is wrong with a body.
        return _loads(body, parse_float=None, parse_constant=BareToken)


def inflated(body: bytes, encoding: str) -> bytes:
    """A body as it was before its Content-Encoding; Problem 413 where it was too large."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Problem(415, f'Content-Encoding is "{encoding[:40]}"; send gzip, or leave it out.')
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        raw = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise Problem(400, f"The body is not gzip: {error}.") from None
    if len(raw) > most:
        raise too_large()
    if not inflater.eof or inflater.unused_data:
        raise Problem(400, "The gzip body is cut short, or goes on after its end.")
    return raw


def _loads(body: bytes, **how: Any) -> object:
    try:
        # from bytes json takes halves of surrogate pairs, too
        return json.loads(body.decode("utf-8-sig"), **how)
    except RecursionError:
        raise Problem(400, "The body is nested too deeply; send flatter JSON.") from None
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8 at byte {error.start}.") from None
    except ValueError as error:
        raise Problem(400, f"The body is not JSON: {error}.") from None


def check_text(field: str, text: str) -> None:
    """Problem 400 for a NUL or half of a surrogate pair: PostgreSQL stores neither."""
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise bad_field(
            field, ascii(text)[:100], "holds a NUL or half a surrogate pair; leave it out"
        )


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is beyond a 64-bit float")
    return value


def _refuse_constant(token: str) -> float:
    raise ValueError(f"{token} is no JSON number; send null, or it as a string")


def _depth(value: object) -> int:
    """How many brackets are open at the deepest place, counted without recursion."""
    deepest, layer = 0, [value]
    while layer := [v for v in layer if isinstance(v, dict | list)]:
        deepest += 1
        layer = [v for box in layer for v in (box.values() if isinstance(box, dict) else box)]
    return deepest


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every string with the path of its field; the keys of objects too."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}.{index}" if path else str(index))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield path or "body", name
            yield from _texts(item, f"{path}.{name}" if path else name)
