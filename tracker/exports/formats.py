"""A table as CSV, JSON or Parquet, piece by piece.

What is missing is an empty cell or null. NaN and the infinities stay what they are: as words in
CSV, as strings in JSON (which has no words for them), as themselves in Parquet.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from typing import Any

from tracker.flat_config import setting_words
from tracker.metrics.points import json_value

# What a spreadsheet takes for the start of a formula, which it would run when it opens the file.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Holds(StrEnum):
    """What the cells of a column are; None besides. Parquet keeps a column's cells alike."""

    TEXT = "text"  # or anything else: Parquet then has it as JSON
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    MOMENT = "moment"  # aware, UTC


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    holds: Holds


@dataclass(frozen=True, slots=True)
class Table:
    """Each batch holds a list of cells for each column, all equally long."""

    columns: Sequence[Column]
    batches: Iterable[Sequence[Sequence[Any]]]


def installed_formats() -> list[Format]:
    """Parquet needs pyarrow, which is 55 MB and so the site's choice."""
    return [one for one in Format if one is not Format.PARQUET or find_spec("pyarrow")]


def written(table: Table, as_format: Format) -> Iterator[bytes]:
    match as_format:
        case Format.CSV:
            return _csv(table)
        case Format.JSON:
            return _json(table)
        case Format.PARQUET:
            return _parquet(table)


# --- CSV (RFC 4180, UTF-8)
def _csv(table: Table) -> Iterator[bytes]:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([_csv_text(column.name) for column in table.columns])
    for batch in table.batches:
        cells = [
            _csv_cells(cells, column.holds)
            for column, cells in zip(table.columns, batch, strict=True)
        ]
        rows.writerows(zip(*cells, strict=True))
        yield _taken(text)
    yield _taken(text)


def _csv_cells(cells: Sequence[Any], holds: Holds) -> Sequence[object]:
    """A column at once: ten million rows have seventy million cells."""
    match holds:
        case Holds.WHOLE:
            return cells
        case Holds.NUMBER:
            return [cell if cell is None else json_value(cell) for cell in cells]
        case Holds.MOMENT:
            return [cell and cell.isoformat() for cell in cells]
    return [_csv_text(cell) if type(cell) is str else _csv_cell(cell) for cell in cells]


def _csv_cell(value: Any) -> object:
    """Of a column that may hold anything."""
    match value:
        case None | bool():
            return {None: "", True: "true", False: "false"}[value]
        case int():
            return value
        case float():
            return json_value(value)
    return _csv_text(setting_words(value))


def _csv_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _taken(text: io.StringIO) -> bytes:
    taken = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return taken


# --- JSON: a list with an object a row
def _json(table: Table) -> Iterator[bytes]:
    names = [column.name for column in table.columns]
    before = "[\n"
    for batch in table.batches:
        rows = [
            json.dumps(dict(zip(names, row, strict=True)), default=str)
            for row in zip(*(map(_json_cell, cells) for cells in batch), strict=True)
        ]
        if rows:
            yield (before + ",\n".join(rows)).encode()
            before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _json_cell(value: Any) -> object:
    if isinstance(value, float):
        return json_value(value)
    return value.isoformat() if isinstance(value, datetime) else value


# --- Parquet
def _parquet(table: Table) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        Holds.TEXT: pa.string(),
        Holds.WHOLE: pa.int64(),
        Holds.NUMBER: pa.float64(),
        Holds.FLAG: pa.bool_(),
        Holds.MOMENT: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(column.name, types[column.holds]) for column in table.columns])
    sink = _Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for batch in table.batches:
            arrays = [
                pa.array(_alike(cells, column.holds), type=types[column.holds])
                for column, cells in zip(table.columns, batch, strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


def _alike(cells: Sequence[Any], holds: Holds) -> Sequence[Any]:
    match holds:
        case Holds.TEXT:
            return [None if cell is None else _text(cell) for cell in cells]
        case Holds.NUMBER:
            return [None if cell is None else float(cell) for cell in cells]
    return cells


def _text(value: Any) -> str:
    words = json.dumps(value) if isinstance(value, float) and not math.isfinite(value) else value
    return setting_words(words).encode("utf-8", "replace").decode()


class _Sink(io.RawIOBase):
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        data = bytes(piece)
        self._pieces.append(data)
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
