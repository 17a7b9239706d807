"""Searching logs: every line once, however the file is cut into slices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.logs import Hit, search

CHUNK_BYTES = 4 * 1024**2


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinaryIO]:
    path = tmp_path_factory.mktemp("logs") / "run.out"
    path.write_bytes(b"")
    with path.open("rb", buffering=0) as file:
        yield file


def filled(log: BinaryIO, data: bytes) -> BinaryIO:
    Path(log.name).write_bytes(data)
    return log


def everything(log: BinaryIO, needle: str, **options: int) -> list[Hit]:
    """All slices, one after the other."""
    hits: list[Hit] = []
    start: int | None = 0
    while start is not None:
        found = search(log, needle, start=start, **options)
        hits += found.hits
        start = found.next_start
    return hits


def lines_with(data: bytes, needle: str) -> list[tuple[int, str]]:
    """The same by plain means."""
    lines = [(m.start(), m[0]) for m in re.finditer(rb"[^\r\n]+", data)]
    sought = needle.encode()
    return [(at + line.find(sought), line.decode()) for at, line in lines if sought in line]


@settings(max_examples=300, deadline=None)
@given(
    data=st.text("ab\n\ré", max_size=80).map(str.encode),
    needle=st.text("abé", min_size=1, max_size=4),
    max_bytes=st.integers(1, 90),
    max_hits=st.integers(1, 5),
)
def test_slices_of_any_size_find_every_line_once(
    log: BinaryIO, data: bytes, needle: str, max_bytes: int, max_hits: int
) -> None:
    hits = everything(filled(log, data), needle, max_bytes=max_bytes, max_hits=max_hits)
    assert [(hit.offset, hit.line_text) for hit in hits] == lines_with(data, needle)


@pytest.mark.parametrize("before", range(0, 9))
def test_what_lies_across_two_chunks_is_found_once(log: BinaryIO, before: int) -> None:
    data = b"." * (CHUNK_BYTES - before - 1) + b"\nTraceback\n" + b"." * 100
    found = search(filled(log, data), "Traceback", start=0)
    assert [(hit.offset, hit.line_text) for hit in found.hits] == [
        (CHUNK_BYTES - before, "Traceback")
    ]


def test_a_slice_tells_where_to_go_on_and_how_much_was_read(log: BinaryIO) -> None:
    filled(log, b"x" * 1_000)
    assert search(log, "y", start=0, max_bytes=400) == search(log, "z", start=0, max_bytes=400)
    first = search(log, "y", start=0, max_bytes=400)
    last = search(log, "y", start=800, max_bytes=400)
    assert (first.next_start, first.scanned_bytes) == (400, 400)
    assert (last.next_start, last.scanned_bytes) == (None, 200)


def test_a_start_beyond_the_end_finds_nothing(log: BinaryIO) -> None:
    found = search(filled(log, b"short"), "s", start=100)
    assert (found.hits, found.next_start, found.scanned_bytes) == ([], None, 0)


def test_a_slice_full_of_hits_stops_behind_the_last_one(log: BinaryIO) -> None:
    found = search(filled(log, b"loss\n" * 10), "loss", start=0, max_hits=3)
    assert [hit.offset for hit in found.hits] == [0, 5, 10]
    assert found.next_start == 15


def test_states_of_a_progress_bar_are_lines(log: BinaryIO) -> None:
    found = search(filled(log, b"\r 1%\r 2%\r 3%\n"), "2%", start=0)
    assert found.hits == [Hit(6, " 2%")]


def test_a_long_line_is_cut_around_what_was_found(log: BinaryIO) -> None:
    found = search(filled(log, b"a" * 5_000 + b"HERE" + b"b" * 5_000), "HERE", start=0)
    assert found.hits == [Hit(5_000, "a" * 100 + "HERE" + "b" * 196)]


def test_a_line_is_cut_between_characters(log: BinaryIO) -> None:
    text = "😀" * 200 + "HERE" + "😀" * 300
    (hit,) = search(filled(log, text.encode()), "HERE", start=0).hits
    assert hit.line_text == "😀" * 100 + "HERE" + "😀" * 196


def test_an_endless_line_is_gone_through_in_steps(log: BinaryIO) -> None:
    hits = everything(filled(log, b"a" * 200_000), "a", max_hits=2)
    assert len(hits) == 4  # 64 KiB each


@pytest.mark.parametrize(
    ("text", "needle"),
    [("CUDA out of memory", "cuda OUT"), ("GRÖSSE größe", "Größe"), ("ÉPOQUE", "époque"),
     ("Straße", "STRASSE"), ("σίγμα", "ΣΊΓΜΑ"), ("loss", "LOSS"), ("a.b", "A.B")],
)  # fmt: skip
def test_case_is_ignored_when_asked(log: BinaryIO, text: str, needle: str) -> None:
    filled(log, f"no\n{text}\n".encode())
    assert len(search(log, needle, start=0, ignore_case=True).hits) == (text != "Straße")
    assert search(log, needle, start=0).hits == search(log, needle, start=0, max_bytes=10**6).hits


def test_case_counts_otherwise(log: BinaryIO) -> None:
    assert search(filled(log, b"CUDA"), "cuda", start=0).hits == []


def test_words_are_not_a_pattern(log: BinaryIO) -> None:
    filled(log, "axb é+\na.b (é)\n".encode())
    for needle in ("a.b", "(é)"):
        assert len(search(log, needle, start=0, ignore_case=True).hits) == 1
        assert len(search(log, needle, start=0).hits) == 1


def test_bytes_that_are_no_text_are_shown_as_such(log: BinaryIO) -> None:
    assert search(filled(log, b"\xff\xfe loss\n"), "loss", start=0).hits == [
        Hit(3, "\ufffd\ufffd loss")
    ]


def test_questions_that_make_no_sense_are_named(log: BinaryIO) -> None:
    with pytest.raises(ValueError, match="the words have 0 characters; give 1 to 1000"):
        search(log, "", start=0)
    with pytest.raises(ValueError, match="the words have 1001 characters"):
        search(log, "x" * 1_001, start=0)
    with pytest.raises(ValueError, match="start -1"):
        search(log, "x", start=-1)
    with pytest.raises(ValueError, match="surrogates"):
        search(log, "\ud800", start=0)
