"""Whether a better slot has opened for a job than the one it was promised: pure, times in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

SHARE = 0.25  # of the wait, and
LEAST = timedelta(minutes=10)  # at least: less is within what a forecast is off by
# A slot that slips past what was wished for by so little is still the one that was told of.
SLACK = timedelta(minutes=10)


class News(Enum):
    OPENED = "a slot is there that is as good as wished for"
    SOONER = "so is the one that was told of, and now sooner by as much again"
    GONE = "the one that was told of is there no more"
    NOTHING = "nothing that was not told"


@dataclass(frozen=True, slots=True)
class Wish:
    """A start by ``better_by_at``, or at most ``within`` after any moment; one of them is None."""

    better_by_at: datetime | None = None
    within: timedelta | None = None

    def limit_at(self, now: datetime) -> datetime:
        """The latest start that fulfils it, for who submits now."""
        if self.better_by_at is not None:
            return self.better_by_at
        return now + (self.within or timedelta(0))


@dataclass(frozen=True, slots=True)
class Look:
    """The start that the futures of ``at`` give; None: none within the horizon."""

    at: datetime
    start_at: datetime | None

    def is_by(self, limit_at: datetime) -> bool:
        return self.start_at is not None and self.start_at <= limit_at


def better_by(start_at: datetime, now: datetime) -> datetime:
    """The latest start that is worth a word to who expects ``start_at``: it may lie in the past."""
    return start_at - max(LEAST, SHARE * (start_at - now))


def news_of(wish: Wish, told_at: datetime | None, before: Look, seen: Look) -> News:
    """What the newest look means, beside the one before.

    Two in a row must agree: with a look each few minutes one of them is off by a quarter now and
    then. ``told_at``: the start that was told last, while that slot was there since.
    """
    looks = before, seen
    if told_at is None:
        opened = all(look.is_by(wish.limit_at(look.at)) for look in looks)
        return News.OPENED if opened else News.NOTHING
    if not any(look.is_by(wish.limit_at(look.at) + SLACK) for look in looks):
        return News.GONE
    sooner = all(look.is_by(better_by(told_at, look.at)) for look in looks)
    return News.SOONER if sooner else News.NOTHING
