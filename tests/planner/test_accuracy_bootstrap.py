"""Intervals by days drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.accuracy import (
    DayBlocks,
    absolute_error_s,
    score,
    score_intervals,
    skill,
    skill_interval,
)
from planner.accuracy.coverage import Coverage
from tests.planner.scored_rows import calibrated


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def days_of(n_days: int, per_day: int) -> np.ndarray:
    return np.repeat(np.arange(n_days), per_day)


def test_one_row_a_day_gives_the_interval_of_the_normal_law() -> None:
    n = 400
    values = rng().normal(50.0, 10.0, n)
    interval = DayBlocks.draw(np.arange(n), rng()).mean(values)
    assert interval is not None
    half = 1.645 * values.std() / np.sqrt(n)
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.2)


def test_many_jobs_of_a_day_count_as_one_when_they_are_alike() -> None:
    of_day = rng().normal(0.0, 1.0, 30)
    once = DayBlocks.draw(days_of(30, 1), rng()).mean(of_day)
    often = DayBlocks.draw(days_of(30, 100), rng()).mean(np.repeat(of_day, 100))
    assert once is not None
    assert often == pytest.approx(once)


def test_ninety_percent_of_intervals_hold_the_truth() -> None:
    held = 0
    for seed in range(200):
        world = np.random.default_rng(seed)
        values = np.repeat(world.normal(0.0, 1.0, 60), 5) + world.normal(0.0, 1.0, 300)
        interval = DayBlocks.draw(days_of(60, 5), world, replicates=300).mean(values)
        assert interval is not None
        held += interval.low <= 0.0 <= interval.high
    assert 165 <= held <= 195  # of 200; three binomial errors


def test_median_and_coverage_agree_with_drawing_row_by_row() -> None:
    scored = replace(calibrated(300, rng(), days=20), is_censored=rng().random(300) < 0.2)
    blocks = DayBlocks.draw(scored.day, rng())
    off_s = absolute_error_s(scored)
    medians, shares = [], []
    for counts in blocks.counts[:250].astype(int):
        drawn = scored.take(np.repeat(np.arange(300), counts[blocks.day]))
        off_drawn_s = absolute_error_s(drawn)
        known = np.sort(off_drawn_s[~np.isnan(off_drawn_s)])
        medians.append(known[(known.size - 1) // 2])
        shares.append(Coverage.of(drawn, drawn.p90_s).share())
    assert blocks.median(off_s) == pytest.approx(np.quantile(medians, (0.05, 0.95)))
    coverage = blocks.coverage(Coverage.of(scored, scored.p90_s))
    assert coverage == pytest.approx(np.quantile(shares, (0.05, 0.95)))


def test_steps_of_ranks_hardly_move_the_interval_of_many_rows() -> None:
    scored = calibrated(20_000, rng(), days=60)
    blocks = DayBlocks.draw(scored.day, rng())
    got = score_intervals(scored, blocks)
    within = (scored.actual_s <= scored.p90_s).astype(float)
    assert got["coverage_p90"] == pytest.approx(blocks.mean(within), abs=0.001)
    figures = score(scored, rng())
    for name, interval in got.items():
        assert interval is not None
        assert interval.low < getattr(figures, name) < interval.high


def test_few_days_give_no_interval() -> None:
    values = np.arange(400.0)
    assert DayBlocks.draw(days_of(4, 100), rng()).mean(values) is None
    assert DayBlocks.draw(days_of(5, 80), rng()).mean(values) is not None


def test_rows_of_which_nothing_is_known_do_not_make_days() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, np.nan])
    blocks = DayBlocks.draw(np.arange(5), rng())
    assert blocks.mean(values) is None
    assert blocks.median(values) is None


def test_no_rows_give_no_interval() -> None:
    blocks = DayBlocks.draw(np.array([], dtype=np.int64), rng())
    scored = calibrated(0, rng())
    assert set(score_intervals(scored, blocks).values()) == {None}


def test_a_stratum_keeps_the_draws_of_the_whole() -> None:
    day = days_of(10, 4)
    blocks = DayBlocks.draw(day, rng())
    part = blocks.take(day < 7)
    assert part.counts is blocks.counts
    assert part.day.tolist() == days_of(7, 4).tolist()
    assert part.mean(np.ones(28)) == (1.0, 1.0)


def test_skill_has_an_interval_around_it() -> None:
    ours = calibrated(3000, rng(), days=60)
    theirs = replace(ours, p50_s=ours.p50_s * 3.0)
    blocks = DayBlocks.draw(ours.day, rng())
    got = skill(ours, theirs, absolute_error_s)
    interval = skill_interval(ours, theirs, absolute_error_s, blocks)
    assert got is not None
    assert interval is not None
    assert 0.0 < interval.low < got < interval.high < 1.0


def test_the_same_seed_gives_the_same_interval() -> None:
    scored = calibrated(500, rng())
    once, again = (score_intervals(scored, DayBlocks.draw(scored.day, rng())) for _ in range(2))
    assert once == again
