"""What counts as a better slot, and when it is news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from planner.better_slot import News, Wish, better_by, news_of

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BY_THREE = Wish(better_by_at=NOON + 3 * HOUR)
WITHIN = Wish(within=30 * MINUTE)


@pytest.mark.parametrize(
    ("wait", "gain"), [(4 * HOUR, HOUR), (20 * MINUTE, 10 * MINUTE), (5 * MINUTE, 10 * MINUTE)]
)
def test_better_is_a_quarter_of_the_wait_sooner_and_ten_minutes_at_least(wait, gain) -> None:
    assert better_by(NOON + wait, NOON) == NOON + wait - gain


def test_a_slot_opens_once_its_start_is_as_soon_as_wished_for() -> None:
    assert news_of(BY_THREE, None, NOON + 3 * HOUR, NOON) == News.OPENED
    assert news_of(BY_THREE, None, NOON + 3 * HOUR + MINUTE, NOON) == News.NOTHING
    assert news_of(BY_THREE, None, None, NOON) == News.NOTHING


def test_the_same_slot_is_no_news_at_the_next_forecast() -> None:
    told_at = NOON + 2 * HOUR
    for now in (NOON, NOON + HOUR):
        assert news_of(BY_THREE, told_at, told_at + 5 * MINUTE, now) == News.NOTHING
        assert news_of(BY_THREE, told_at, told_at - 5 * MINUTE, now) == News.NOTHING


def test_a_slot_that_is_sooner_again_by_as_much_is_news() -> None:
    told_at = NOON + 2 * HOUR
    assert news_of(BY_THREE, told_at, told_at - 30 * MINUTE, NOON) == News.SOONER
    assert news_of(BY_THREE, told_at, told_at - 29 * MINUTE, NOON) == News.NOTHING


def test_a_slot_that_wavers_about_the_limit_is_told_once_and_is_gone_when_it_is_clear() -> None:
    limit_at = NOON + 3 * HOUR
    assert news_of(BY_THREE, limit_at, limit_at + 9 * MINUTE, NOON) == News.NOTHING
    assert news_of(BY_THREE, limit_at, limit_at + 11 * MINUTE, NOON) == News.GONE
    assert news_of(BY_THREE, limit_at, None, NOON) == News.GONE


def test_a_wait_that_is_short_enough_is_wished_for_from_each_moment_on() -> None:
    for now in (NOON, NOON + 20 * HOUR):
        assert news_of(WITHIN, None, now + 30 * MINUTE, now) == News.OPENED
        assert news_of(WITHIN, None, now + 31 * MINUTE, now) == News.NOTHING
    assert news_of(WITHIN, NOON + 20 * MINUTE, NOON + 5 * HOUR + 20 * MINUTE, NOON + 5 * HOUR) == (
        News.NOTHING  # told of five hours ago, and there all the time
    )
