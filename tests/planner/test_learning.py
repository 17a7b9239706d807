"""Situations as numbers, and forests that learn from them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from planner.learning import (
    QuantileForest,
    RunningJobs,
    Situation,
    StartedJobs,
    WaitingJobs,
    features,
)
from planner.quantiles import Quantiles

HOUR_S = 3600.0


def column(*values: float) -> npt.NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


def nobody(n: int) -> npt.NDArray[np.bool_]:
    return np.zeros(n, dtype=np.bool_)


EMPTY = Situation(
    now_s=30.0 * HOUR_S,
    procs=4.0,
    limit_s=HOUR_S,
    run_s=600.0,
    room=16.0,
    running=RunningJobs(column(), column(), column(), nobody(0)),
    waiting=WaitingJobs(column(), column(), column(), column(), nobody(0)),
    started=StartedJobs(column(), column(), column(), nobody(0)),
    said={"ensemble": None},
)
BUSY = replace(
    EMPTY,
    running=RunningJobs(
        procs=column(10.0, 4.0),
        left_limit_s=column(1000.0, 5000.0),
        left_run_s=column(400.0, 100.0),
        is_own=np.array([True, False]),
    ),
    waiting=WaitingJobs(
        procs=column(8.0, 2.0),
        limit_s=column(HOUR_S, 60.0),
        run_s=column(900.0, 30.0),
        age_s=column(7200.0, 60.0),
        is_own=np.array([False, True]),
    ),
    started=StartedJobs(
        ago_s=column(900.0, 300.0),
        wait_s=column(50.0, 0.0),
        procs=column(16.0, 1.0),
        is_own=nobody(2),
    ),
    said={"ensemble": Quantiles(0.0, 99.0, 199.0)},
)


def test_every_situation_has_the_same_features_in_the_same_order() -> None:
    assert list(features(EMPTY)) == list(features(BUSY))


def test_an_empty_machine_has_room_at_once() -> None:
    told = features(EMPTY)
    assert (told["free"], told["until_fits_limit"], told["until_all_fit_run"]) == (1.0, 0.0, 0.0)
    assert np.isnan(told["last_wait"])
    assert np.isnan(told["ensemble_p50"])
    assert told["hour"] == 6.0
    assert told["weekday"] == 1.0


def test_room_comes_as_jobs_end_by_either_clock() -> None:
    told = features(BUSY)
    assert told["free"] == 2.0 / 16.0
    assert np.expm1(told["until_fits_limit"]) == pytest.approx(1000.0)
    assert np.expm1(told["until_fits_run"]) == pytest.approx(100.0)
    # Ten wait before it: with its own four that is 14 of 16.
    assert np.expm1(told["until_all_fit_limit"]) == pytest.approx(5000.0)
    assert np.expm1(told["until_all_fit_run"]) == pytest.approx(400.0)


def test_the_queue_is_told_by_number_work_and_age() -> None:
    told = features(BUSY)
    assert told["waiting"] == 2.0
    assert told["waiting_smaller"] == 1.0
    assert told["own_waiting"] == 1.0
    assert told["head_share"] == 0.5
    assert np.expm1(told["head_age"]) == pytest.approx(7200.0)
    assert np.expm1(told["oldest_smaller_age"]) == pytest.approx(60.0)
    assert np.expm1(told["waiting_work_run"]) == pytest.approx((8 * 900 + 2 * 30) / 16)


def test_the_last_starts_are_told_newest_last() -> None:
    told = features(BUSY)
    assert told["last_wait"] == 0.0
    assert np.expm1(told["larger_last_wait"]) == pytest.approx(50.0)
    assert np.expm1(told["last_start_ago"]) == pytest.approx(300.0)
    assert np.isnan(told["own_last_wait"])
    assert np.expm1(told["ensemble_p90"]) == pytest.approx(199.0)


def jobs_in_two_moods(n: int = 600) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where the first feature is 0 jobs start at once, else they wait an hour or so."""
    rng = np.random.default_rng(4)
    is_busy = rng.random(n) < 0.5
    rows = np.column_stack((is_busy, rng.random(n), np.full(n, np.nan)))
    return rows, np.where(is_busy, rng.exponential(HOUR_S, n), 0.0)


def test_a_forest_answers_with_what_came_of_like_jobs() -> None:
    rows, wait_s = jobs_in_two_moods()
    forest = QuantileForest.grow(rows, wait_s, seed=1)
    quiet, busy = forest.quantiles_s(np.array([[0.0, 0.5, np.nan], [1.0, 0.5, np.nan]])).T
    assert quiet.tolist() == [0.0, 0.0, 0.0]
    assert 0.0 < busy[0] < busy[1] < busy[2]
    assert set(busy.tolist()) <= set(wait_s.tolist())


@pytest.mark.parametrize(("at_once", "bound_s"), [(92, 5.0), (98, 0.0)])
def test_a_bound_is_0_only_where_that_is_nearly_sure(at_once: int, bound_s: float) -> None:
    wait_s = np.where(np.arange(100) < at_once, 0.0, 5.0)
    forest = QuantileForest.grow(np.zeros((100, 1)), wait_s, seed=0)
    assert forest.quantiles_s(np.zeros((1, 1))).ravel().tolist() == [0.0, 0.0, bound_s]


def test_its_quantiles_keep_about_what_they_promise() -> None:
    rng = np.random.default_rng(5)
    rows = rng.random((3000, 3))
    wait_s = rng.exponential(60.0 + 6000.0 * rows[:, 0])
    forest = QuantileForest.grow(rows[:1500], wait_s[:1500], seed=1)
    said_s = forest.quantiles_s(rows[1500:])
    within = (wait_s[1500:] <= said_s).mean(axis=1)
    assert within == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


def test_the_same_seed_grows_the_same_forest() -> None:
    rows, wait_s = jobs_in_two_moods(200)
    once, again, other = (
        QuantileForest.grow(rows, wait_s, seed=seed).quantiles_s(rows) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_one_job_is_enough_to_answer_and_none_is_refused() -> None:
    forest = QuantileForest.grow(np.zeros((1, 2)), column(7.0), seed=0)
    assert forest.quantiles_s(np.ones((1, 2))).ravel().tolist() == [7.0, 7.0, 7.0]
    with pytest.raises(ValueError, match="needs jobs to learn from"):
        QuantileForest.grow(np.zeros((0, 2)), column(), seed=0)


def test_nobody_loads_the_learner_who_does_not_learn() -> None:
    code = (
        "import sys, planner.learning; print([m for m in ('sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
