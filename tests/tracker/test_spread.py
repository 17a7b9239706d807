"""Uncertain times on an axis: where their marks lie."""

from datetime import UTC, datetime, timedelta

import pytest

from tracker.spread import TICKS_MAX, Axis, Span

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AXIS = Axis(NOW, NOW + 10 * HOUR)


def test_an_axis_reaches_from_now_to_a_little_after_the_last_time() -> None:
    axis = Axis.around(NOW, [NOW + HOUR, None, NOW + 5 * HOUR])
    assert axis.start_at == NOW
    assert NOW + 5 * HOUR < axis.until_at < NOW + 6 * HOUR


@pytest.mark.parametrize("times", [[], [None], [NOW - HOUR], [NOW + timedelta(seconds=3)]])
def test_an_axis_is_never_shorter_than_ten_minutes(times: list[datetime | None]) -> None:
    assert Axis.around(NOW, times).length == timedelta(minutes=10)


def test_a_span_lies_between_its_early_and_its_late_time() -> None:
    span = AXIS.span(NOW + HOUR, NOW + 2 * HOUR, NOW + 5 * HOUR)
    assert span == Span(left="10.00", width="40.00", middle="20.00", is_open=False)


def test_an_open_span_reaches_the_end_of_the_axis() -> None:
    span = AXIS.span(NOW + HOUR, None, None, is_open=True)
    assert span == Span(left="10.00", width="90.00", middle=None, is_open=True)


def test_a_middle_alone_has_no_width() -> None:
    assert AXIS.span(None, NOW + 2 * HOUR, None) == Span("20.00", "0.00", "20.00", is_open=False)
    assert AXIS.span(None, None, None) is None


def test_what_lies_outside_is_drawn_at_the_edge() -> None:
    span = AXIS.span(NOW - HOUR, NOW + HOUR, NOW + 20 * HOUR)
    assert span is not None and (span.left, span.width) == ("0.00", "100.00")


@pytest.mark.parametrize("minutes", [10, 11, 47, 90, 600, 1441, 7 * 1440, 80 * 1440])
def test_ticks_are_few_and_at_round_distances(minutes: int) -> None:
    ticks = list(Axis(NOW, NOW + timedelta(minutes=minutes)).ticks)
    assert 1 <= len(ticks) <= TICKS_MAX
    assert all(tick.after % ticks[0].after == timedelta() for tick in ticks)
    assert float(ticks[0].place) > 15  # beside the word at its start


def test_a_label_at_the_end_of_the_axis_is_written_inside() -> None:
    assert [tick.is_near_end for tick in Axis(NOW, NOW + 2.5 * HOUR).ticks] == [False] * 4 + [True]
