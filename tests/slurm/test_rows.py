from __future__ import annotations

import pytest

from tracker.slurm.errors import ParseError
from tracker.slurm.rows import read_rows

FIELDS = ("id", "state", "comment", "name")


def rows(text: str) -> list[list[str]]:
    return [
        list(row.texts.values()) for row in read_rows(text, FIELDS, command="demo", separator="|")
    ]


def test_the_last_field_takes_separators_that_people_typed() -> None:
    assert rows("1|R|fine|odd|name|x\n") == [["1", "R", "fine", "odd|name|x"]]


def test_a_name_over_two_lines_stays_one_row() -> None:
    text = "1|R||two\nlines\n2|PD||next\n"
    assert rows(text) == [["1", "R", "", "two\nlines"], ["2", "PD", "", "next"]]


def test_a_comment_over_several_lines_is_put_together_before_the_name() -> None:
    text = "1|R|x\ny\nz|two\nlines\n2|PD||next"
    assert rows(text) == [["1", "R", "x\ny\nz", "two\nlines"], ["2", "PD", "", "next"]]


def test_no_rows_in_nothing() -> None:
    assert rows("") == rows("\n\n") == []


def test_a_column_that_slurm_left_out_is_an_error_and_not_every_second_row() -> None:
    with pytest.raises(ParseError, match="3 of the 4 fields") as caught:
        rows("1|R|a\n2|PD|b\n")
    assert caught.value.line == "1|R|a"


def test_an_error_message_in_place_of_rows_is_shown() -> None:
    with pytest.raises(ParseError, match="demo printed 'slurm_load_jobs error") as caught:
        rows("slurm_load_jobs error: Invalid job id specified")
    assert caught.value.command == "demo"


def test_a_long_line_is_cut_in_the_error() -> None:
    with pytest.raises(ParseError) as caught:
        rows("x" * 10_000)
    assert len(caught.value.line) < 300


@pytest.mark.parametrize("text", ["4294967294", "4294967295", "18446744073709551614", "N/A"])
def test_slurms_numbers_for_no_value_are_none(text: str) -> None:
    (row,) = read_rows(f"{text}|name", ("count", "name"), command="demo", separator="|")
    assert row.integer("count") is None


def test_a_field_not_asked_for_reads_as_not_said() -> None:
    (row,) = read_rows("1|name", ("count", "name"), command="demo", separator="|")
    assert row.text("comment") is None
    assert row.time("start") is None


def test_a_bad_field_is_named_with_its_row() -> None:
    (row,) = read_rows("many|name", ("count", "name"), command="demo", separator="|")
    with pytest.raises(ParseError, match=r"demo printed 'many\|name': count: 'many' is not"):
        row.integer("count")
