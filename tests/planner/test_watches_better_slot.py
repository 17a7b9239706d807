"""What counts as a better slot, and when it is news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.watches.better_slot import Look, News, Wish, better_by, news_of

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BY_THREE = Wish(better_by_at=NOON + 3 * HOUR)
WITHIN = Wish(within=30 * MINUTE)


def news(
    wish: Wish,
    told: timedelta | None,
    *starts: timedelta | None,
    at: timedelta = timedelta(0),
) -> News:
    """Of the last two looks, both made so long after noon; all times are from noon."""
    told_at = None if told is None else NOON + told
    looks = [Look(NOON + at, None if start is None else NOON + start) for start in starts]
    return news_of(wish, told_at, *looks)


@pytest.mark.parametrize(
    ("wait", "gain"), [(4 * HOUR, HOUR), (20 * MINUTE, 10 * MINUTE), (5 * MINUTE, 10 * MINUTE)]
)
def test_better_is_a_quarter_of_the_wait_sooner_and_ten_minutes_at_least(wait, gain) -> None:
    assert better_by(NOON + wait, NOON) == NOON + wait - gain


def test_a_slot_opens_once_two_looks_see_it_as_soon_as_wished_for() -> None:
    assert news(BY_THREE, None, 3 * HOUR, 2 * HOUR) == News.OPENED
    assert news(BY_THREE, None, 3 * HOUR + MINUTE, 2 * HOUR) == News.NOTHING
    assert news(BY_THREE, None, 2 * HOUR, 3 * HOUR + MINUTE) == News.NOTHING
    assert news(BY_THREE, None, 2 * HOUR, None) == News.NOTHING


def test_the_same_slot_is_no_news_at_the_next_forecast() -> None:
    for start in (2 * HOUR + 5 * MINUTE, 2 * HOUR - 5 * MINUTE):
        assert news(BY_THREE, 2 * HOUR, start, start) == News.NOTHING
        assert news(BY_THREE, 2 * HOUR, start, start, at=HOUR) == News.NOTHING


def test_a_slot_that_two_looks_see_sooner_again_by_as_much_is_news() -> None:
    assert news(BY_THREE, 2 * HOUR, 90 * MINUTE, 80 * MINUTE) == News.SOONER
    assert news(BY_THREE, 2 * HOUR, 91 * MINUTE, 80 * MINUTE) == News.NOTHING


def test_a_slot_that_wavers_about_the_limit_is_told_once_and_is_gone_when_it_is_clear() -> None:
    assert news(BY_THREE, 3 * HOUR, 3 * HOUR, 4 * HOUR) == News.NOTHING
    assert news(BY_THREE, 3 * HOUR, 3 * HOUR + 9 * MINUTE, 4 * HOUR) == News.NOTHING
    assert news(BY_THREE, 3 * HOUR, 3 * HOUR + 11 * MINUTE, 4 * HOUR) == News.GONE
    assert news(BY_THREE, 3 * HOUR, None, None) == News.GONE


def test_a_wait_that_is_short_enough_is_wished_for_from_each_moment_on() -> None:
    for at in (0 * HOUR, 20 * HOUR):
        enough = at + 30 * MINUTE
        assert news(WITHIN, None, enough, enough, at=at) == News.OPENED
        assert news(WITHIN, None, enough, enough + MINUTE, at=at) == News.NOTHING
    there_all_the_time = 5 * HOUR + 20 * MINUTE
    assert (
        news(WITHIN, 20 * MINUTE, there_all_the_time, there_all_the_time, at=5 * HOUR)
        == News.NOTHING
    )
