"""Pieces of a log: nothing is lost between them, and none is larger than asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.logs import Piece, Unreadable, read_before, read_piece

BYTES = st.sampled_from([b"a", b"\n", b"\r", "é".encode(), "日".encode(), "😀".encode(), b"\0"])
BROKEN = BYTES | st.sampled_from([b"\xff", b"\x80", b"\xe6\x97", b"\xf0\x9f\x98", b"\xed\xa0\x80"])
TEXTS = st.lists(BYTES, max_size=60).map(b"".join)
ANY_BYTES = st.lists(BROKEN, max_size=60).map(b"".join) | st.binary(max_size=60)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BinaryIO]:
    path = tmp_path_factory.mktemp("logs") / "run.out"
    path.write_bytes(b"")
    with path.open("rb", buffering=0) as file:
        yield file


def filled(log: BinaryIO, data: bytes) -> BinaryIO:
    Path(log.name).write_bytes(data)
    return log


def all_forward(log: BinaryIO, max_bytes: int) -> list[Piece]:
    pieces = [read_piece(log, start=0, max_bytes=max_bytes)]
    while pieces[-1].end > pieces[-1].start:
        pieces.append(read_piece(log, start=pieces[-1].end, max_bytes=max_bytes))
    return pieces


def all_backward(log: BinaryIO, max_bytes: int) -> list[Piece]:
    pieces = [read_piece(log, start=None, max_bytes=max_bytes)]
    while pieces[0].start:
        pieces.insert(0, read_before(log, end=pieces[0].start, max_bytes=max_bytes))
    return pieces


# --- following
@settings(max_examples=300, deadline=None)
@given(data=ANY_BYTES, max_bytes=st.integers(4, 80))
def test_pieces_that_follow_each_other_are_the_whole_text(
    log: BinaryIO, data: bytes, max_bytes: int
) -> None:
    pieces = all_forward(filled(log, data), max_bytes)
    begun = data[pieces[-1].end :]  # a character at the very end that is not complete
    assert len(begun) < 4
    assert "".join(p.text for p in pieces) == data[: pieces[-1].end].decode("utf-8", "replace")
    assert all(p.end - p.start <= max_bytes and p.size == len(data) for p in pieces)
    assert not any(p.truncated for p in pieces)


def test_a_character_that_is_half_written_waits_for_its_other_half(log: BinaryIO) -> None:
    first = read_piece(filled(log, b"gr\xc3"), start=0)
    assert (first.text, first.end, first.size) == ("gr", 2, 3)
    assert read_piece(filled(log, "größe".encode()), start=first.end).text == "öße"


def test_more_than_fits_is_cut_after_a_line(log: BinaryIO) -> None:
    piece = read_piece(filled(log, b"one\ntwo\nthree\n"), start=0, max_bytes=10)
    assert (piece.text, piece.end) == ("one\ntwo\n", 8)


def test_the_last_line_is_shown_while_it_is_being_written(log: BinaryIO) -> None:
    assert read_piece(filled(log, b"done\n 12%|# "), start=0).text == "done\n 12%|# "


def test_nothing_new_is_an_empty_piece_where_the_reader_stood(log: BinaryIO) -> None:
    piece = read_piece(filled(log, b"done\n"), start=5)
    assert (piece.text, piece.start, piece.end, piece.truncated) == ("", 5, 5, False)


def test_a_file_begun_anew_is_read_from_its_beginning_and_says_so(log: BinaryIO) -> None:
    piece = read_piece(filled(log, b"again\n"), start=1_000)
    assert (piece.text, piece.start, piece.end, piece.truncated) == ("again\n", 0, 6, True)


def test_a_piece_tells_when_the_file_was_written(log: BinaryIO) -> None:
    filled(log, b"x")
    os.utime(log.name, (0, 1_700_000_000.5))
    assert read_piece(log, start=None).modified_at == 1_700_000_000.5


# --- the end, and back from it
def test_the_end_begins_with_a_whole_line(log: BinaryIO) -> None:
    piece = read_piece(filled(log, b"one\ntwo\nthree\n"), start=None, max_bytes=11)
    assert (piece.text, piece.start, piece.end) == ("two\nthree\n", 4, 14)


def test_the_end_of_one_endless_line_begins_with_a_whole_character(log: BinaryIO) -> None:
    piece = read_piece(filled(log, "日".encode() * 10), start=None, max_bytes=10)
    assert (piece.text, piece.start) == ("日日日", 21)


def test_an_empty_file_is_an_empty_piece(log: BinaryIO) -> None:
    for piece in (read_piece(filled(log, b""), start=None), read_before(log, end=0)):
        assert (piece.text, piece.start, piece.end, piece.size) == ("", 0, 0, 0)


@settings(max_examples=300, deadline=None)
@given(data=TEXTS, max_bytes=st.integers(4, 80))
def test_scrolling_back_from_the_end_reaches_the_beginning_and_loses_nothing(
    log: BinaryIO, data: bytes, max_bytes: int
) -> None:
    pieces = all_backward(filled(log, data), max_bytes)
    assert "".join(piece.text for piece in pieces) == data.decode()
    assert [p.end for p in pieces[:-1]] == [p.start for p in pieces[1:]]
    assert pieces[-1].end == len(data)


@settings(max_examples=300, deadline=None)
@given(data=ANY_BYTES, max_bytes=st.integers(4, 80))
def test_scrolling_back_gets_on_through_bytes_that_are_no_text(
    log: BinaryIO, data: bytes, max_bytes: int
) -> None:
    pieces = all_backward(filled(log, data), max_bytes)
    assert [p.end for p in pieces[:-1]] == [p.start for p in pieces[1:]]
    assert all(p.end - p.start <= max_bytes for p in pieces)


def test_scrolling_back_in_a_file_that_shrank_reads_what_there_is(log: BinaryIO) -> None:
    piece = read_before(filled(log, b"again\n"), end=1_000)
    assert (piece.text, piece.end, piece.truncated) == ("again\n", 6, True)


def test_the_end_of_twenty_gigabytes_is_no_larger_than_that_of_a_small_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sparse.out"
    with path.open("wb") as file:
        file.seek(20 * 1024**3)
        file.write(b"\nloss 0.5\n")
    with path.open("rb") as file:
        piece = read_piece(file, start=None, max_bytes=4_096)
        assert piece.text == "loss 0.5\n"
        assert piece.end == piece.size == 20 * 1024**3 + 10
        assert len(read_before(file, end=10 * 1024**3).text) == 65_536


# --- refusals
def test_offsets_and_sizes_that_make_no_sense_are_named(log: BinaryIO) -> None:
    with pytest.raises(ValueError, match="the offset is -1"):
        read_piece(log, start=-1)
    with pytest.raises(ValueError, match="the offset is -5"):
        read_before(log, end=-5)
    with pytest.raises(ValueError, match="max_bytes is 3; give 4 or more"):
        read_piece(log, start=0, max_bytes=3)


def test_a_read_that_the_system_refuses_is_told_in_words(tmp_path: Path) -> None:
    """A file whose storage went away; here one that was opened for writing only."""
    with (tmp_path / "run.out").open("wb") as file, pytest.raises(Unreadable) as caught:
        read_piece(file, start=0)
    assert "cannot be read at the moment" in caught.value.message
    assert str(tmp_path) in caught.value.message
