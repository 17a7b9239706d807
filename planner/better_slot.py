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


def better_by(start_at: datetime, now: datetime) -> datetime:
    """The latest start that is worth a word to who expects ``start_at``: it may lie in the past."""
    return start_at - max(LEAST, SHARE * (start_at - now))


def news_of(wish: Wish, told_at: datetime | None, start_at: datetime | None, now: datetime) -> News:
    """What the start that a new forecast gives means.

    ``told_at``: the start that was told last, while that slot was there at every look since;
    ``start_at`` None: no start within the horizon.
    """
    limit_at = wish.limit_at(now)
    if start_at is None or start_at > limit_at + SLACK:
        return News.NOTHING if told_at is None else News.GONE
    if told_at is None:
        return News.OPENED if start_at <= limit_at else News.NOTHING
    return News.SOONER if start_at <= better_by(told_at, now) else News.NOTHING
