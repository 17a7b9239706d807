"""Submissions to come, drawn from those of the past by a block bootstrap (Künsch, Ann. Stat. 17,
1989).

Time to come is cut into blocks; into each a stretch of the past is copied whole, so that bursts,
arrays and a user's habits stay together. What is drawn hangs on the block's place in time: a minute
later the same submissions are to come, but for those that lie a minute further.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.arrivals.likeness import likeness
from planner.arrivals.past import DAY_S, FloatArray, IntArray, PastSubmissions

FEWEST = 20  # submissions: fewer tell nothing
LOOK_BACK_S = 84 * DAY_S
DAYS = 3  # of history, with which a block takes its hour of the day from the past
LONGEST_BLOCK_S = 0.5 * DAY_S  # a busy morning is followed by a busy afternoon
HOURS_MATCH_WITHIN_S = 3600.0
# Of a short history nobody knows whether the rush of the last minutes is the rule: what is newest
# counts most, and little is foretold. On captures of a real cluster that had been used for some
# minutes, nine in ten jobs then started by the 90 % bound, and without any arrivals two in three:
# the captures that these numbers were chosen on, so less is to be expected elsewhere.
SHORTEST_BLOCK_S = 60.0
BLOCKS = 5  # a history that holds fewer of the shortest tells nothing
HALF_LIFE = 1 / 8  # of a short history
REACH = 1 / 2  # of the history: submissions are drawn no further ahead
# Blocks are drawn one by one, yet whole days are busier or quieter than those before: so all of a
# draw is thinned, or fills its blocks more than once, by the exponential of a normal with this
# standard deviation. On the KTH SP2 log the submissions of a day fell into the 80 % interval in
# 79 % of cases, without it in 70 %; of a history of two days only, in 73 %.
SPREAD_OF_LONG = 0.25
SPREAD_OF_SHORT = 0.6  # halves its way to that of a long history with each week
LARGEST_DEVIATION = 2.0
COPIES = 3  # stretches that a block may hold: the largest exponential is below it


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Arrays of one length, in order of time. No row is twice in a stretch."""

    submit_s: FloatArray  # in the origin of the past's
    row: IntArray  # of the past, whose job comes again
    stretch: IntArray  # which copy of the past it belongs to


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """What comes into a block began one of ``lags_s`` before, give or take ``jitter_s``."""

    past: PastSubmissions
    now_s: float
    block_s: float
    lags_s: FloatArray  # rising
    weights: FloatArray  # how likely each of them is
    jitter_s: float
    spread: float  # of the logarithm of how many come, against those that came

    @classmethod
    def learn(cls, past: PastSubmissions, now_s: float) -> Arrivals | None:
        """From what was submitted by ``now_s``; None where that is too little to tell anything:
        fewer than 20 submissions, or less than five minutes of them.

        With three days of history a block is copied from the same hour of another day, see
        ``likeness``; of a shorter one any stretch may come again, the newest most likely.
        """
        known = past.between(now_s - LOOK_BACK_S, now_s)
        span_s = now_s - known.since_s
        if known.row.size < FEWEST or span_s < BLOCKS * SHORTEST_BLOCK_S:
            return None
        weeks = span_s / (7 * DAY_S)
        spread = SPREAD_OF_LONG + (SPREAD_OF_SHORT - SPREAD_OF_LONG) * 0.5**weeks
        if span_s >= DAYS * DAY_S:
            lags_s = np.arange(1.0, span_s // DAY_S + 1.0) * DAY_S
            weights = likeness(known, now_s, lags_s)
            return cls(known, now_s, LONGEST_BLOCK_S, lags_s, weights, HOURS_MATCH_WITHIN_S, spread)
        block_s = _block_s(span_s)
        # They reach from the last block ahead back to the first of the past.
        lags_s = np.arange(0.0, 2.0 * span_s + block_s, block_s / 4.0)
        weights = 0.5 ** (lags_s / (HALF_LIFE * span_s))
        return cls(known, now_s, block_s, lags_s, weights, 0.0, spread)

    @property
    def reach_s(self) -> float:
        """How far ahead submissions are drawn."""
        return REACH * (self.now_s - self.past.since_s)

    def draw(self, rng: np.random.Generator, now_s: float, horizon_s: float) -> Drawn:
        """Submissions after ``now_s``, up to the horizon or to ``reach_s``."""
        salt = int(rng.integers(2**63))
        deviation = float(np.clip(rng.normal(), -LARGEST_DEVIATION, LARGEST_DEVIATION))
        # The mean of its exponential is 1: on average as many come as came.
        share = float(np.exp(self.spread * deviation - 0.5 * self.spread**2))
        until_s = now_s + min(horizon_s, self.reach_s)
        first, last = int(now_s // self.block_s), int(until_s // self.block_s)
        parts = [
            self._copied(salt, block, copy, share - copy)
            for block in range(first, last + 1)
            for copy in range(COPIES)
            if share > copy
        ]
        submit_s, row, stretch = (np.concatenate(column) for column in zip(*parts, strict=True))
        at = np.flatnonzero((submit_s > now_s) & (submit_s <= until_s))
        at = at[np.argsort(submit_s[at], kind="stable")]
        return Drawn(submit_s[at], row[at], stretch[at])

    def _copied(
        self, salt: int, block: int, copy: int, share: float
    ) -> tuple[FloatArray, IntArray, IntArray]:
        """That share of the submissions of a stretch, all where it is 1 or more.

        Empty where no stretch that is known in whole lies one of the lags before.
        """
        begin_s, stretch = block * self.block_s, block * COPIES + copy
        rng = np.random.default_rng((salt, stretch))
        jitter_s = rng.uniform(-self.jitter_s, self.jitter_s)
        rank = np.log(self.weights) + rng.gumbel(size=self.lags_s.size)
        least_s = begin_s + self.block_s + self.jitter_s - self.now_s
        most_s = begin_s - self.jitter_s - self.past.since_s
        low = int(np.searchsorted(self.lags_s, least_s, side="left"))
        high = int(np.searchsorted(self.lags_s, most_s, side="right"))
        if low >= high:
            return np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        # Gumbel's maximum draws by weight, and when one more lag is possible it seldom changes.
        lag_s = self.lags_s[low + int(np.argmax(rank[low:high]))] + jitter_s
        ends_s = (begin_s - lag_s, begin_s + self.block_s - lag_s)
        inside = slice(*np.searchsorted(self.past.submit_s, ends_s))
        submit_s = self.past.submit_s[inside] + lag_s
        # What was submitted at once comes at once or not at all.
        moments, moment = np.unique(submit_s, return_inverse=True)
        kept = (np.random.default_rng((salt, stretch, 1)).random(moments.size) < share)[moment]
        row = self.past.row[inside][kept]
        return submit_s[kept], row, np.full(row.size, stretch)


def _block_s(span_s: float) -> float:
    """The longest that is in a short history six times, of lengths that double: it must not change
    from minute to minute."""
    doublings = int(np.log2(max(1.0, span_s / 6.0 / SHORTEST_BLOCK_S)))
    return min(LONGEST_BLOCK_S, SHORTEST_BLOCK_S * 2.0**doublings)
