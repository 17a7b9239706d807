"""Whatever is printed: a parser gives records or a ParseError, never another error."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slurm.recordings import LOADED_CLUSTER, SMALL_CLUSTER
from tracker.slurm.capture import read_capture
from tracker.slurm.commands import COMMANDS
from tracker.slurm.errors import ParseError

PIECES = st.sampled_from(
    ["\x1f", "\n", "|", "=", ",", ":", "-", "+", "[", "]", "%", "(null)", "N/A", "Unknown",
     "UNLIMITED", "4294967294", "99999999999999999999", "-1", "1e999", "nan", "é", "\x00", " "]
)  # fmt: skip


@cache
def recorded_pieces(name: str) -> list[str]:
    """Some rows, or some blocks, from both clusters."""
    pieces: list[str] = []
    for folder in (LOADED_CLUSTER, SMALL_CLUSTER):
        text = read_capture(folder).transport.outputs[name].stdout
        separator = "\n\n" if "\n\n" in text else "\n"
        pieces += text.split(separator)[:40]
    return pieces


def check(name: str, text: str) -> None:
    try:
        COMMANDS[name].parse(text)
    except ParseError as error:
        assert error.problem


@pytest.mark.parametrize("name", sorted(COMMANDS))
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200) | st.lists(PIECES, max_size=60).map("".join))
def test_any_text_is_records_or_a_parse_error(name: str, text: str) -> None:
    check(name, text)


@pytest.mark.parametrize("name", sorted(COMMANDS))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_recording_is_records_or_a_parse_error(name: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(recorded_pieces(name)))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 12, len(text))))
        text = text[:start] + data.draw(PIECES | st.text(max_size=6)) + text[end:]
    check(name, text)
