from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.slurm.durations import format_duration, parse_duration_s, parse_minutes, parse_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:10:00", 600),
        ("1-12:30:00", 131_400),
        ("2:00", 120),
        ("0:34", 34),
        ("12:34.567", 754.567),
        ("00:00:01.500", 1.5),
        ("1-12", 129_600),
        ("1-12:30", 131_400),
        ("90", 5400),
        ("300 sec", 300),
        ("0 min", 0),
        ("UNLIMITED", math.inf),
        ("infinite", math.inf),
    ],
)
def test_every_spelling_of_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "Partition_Limit", "INVALID", "None", "N/A", "(null)", "NOT_SET"]
)
def test_what_is_not_said_is_none_and_not_zero(text: str) -> None:
    assert parse_duration_s(text) is None
    assert parse_minutes(text) is None


@pytest.mark.parametrize("text", ["1:2:3:4", "-5:00", "ten", "1-", "٣:00", "99999999-00:00:00"])
def test_what_is_no_duration_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        parse_duration_s(text)


def test_limits_are_whole_minutes_as_slurm_rounds_them() -> None:
    assert parse_minutes("00:00:30") == 1
    assert parse_minutes("UNLIMITED") == math.inf


@given(st.integers(0, 10**9))
def test_a_duration_written_and_read_is_the_same(seconds: int) -> None:
    assert parse_duration_s(format_duration(seconds)) == seconds


def test_durations_are_written_as_slurm_writes_them() -> None:
    assert format_duration(131_400) == "1-12:30:00"
    assert format_duration(59) == "00:00:59"
    assert format_duration(math.inf) == "UNLIMITED"


@pytest.mark.parametrize("text", ["Unknown", "None", "N/A", "(null)", "0", ""])
def test_a_time_that_is_not_yet_is_none(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "text",
    ["1795437013", "2026-11-23T12:30:13", "2026-11-23T13:30:13+01:00", "2026-11-23 12:30:13Z"],
)
def test_epochs_and_iso_times_are_aware_and_in_utc(text: str) -> None:
    moment = parse_time(text)
    assert moment == datetime(2026, 11, 23, 12, 30, 13, tzinfo=UTC)
    assert moment is not None
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["tomorrow", "99999999999999999999", "253402300800", "-1"])
def test_what_is_no_time_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_time(text)


@given(st.text(max_size=40))
def test_any_text_is_a_duration_a_time_or_a_value_error(text: str) -> None:
    for parse in (parse_duration_s, parse_minutes, parse_time):
        try:
            parse(text)
        except ValueError:
            continue
