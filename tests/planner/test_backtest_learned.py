"""Second looks: what is learnt from earlier cases, calibrated on them, and chosen by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.backtest.cases import FEWEST, LEARNT_FROM, Cases, FloatArray, learnt_from
from planner.backtest.learned import calibrated, chosen, grown, layers
from tests.planner.trace_world import HOUR_S, MINUTE_S, job, random_trace, trace

N = 300


def cases(waited_s: FloatArray, **said_s: FloatArray) -> Cases:
    """One a minute in one partition; its only feature tells the wait, but for simulated ones."""
    n = waited_s.size
    return Cases(
        submit_s=np.arange(n) * MINUTE_S,
        waited_s=waited_s,
        is_cancelled=np.zeros(n, dtype=np.bool_),
        partition=np.zeros(n, dtype=np.int64),
        group=np.zeros(n, dtype=np.int64),
        said_s=said_s,
        features=np.column_stack((waited_s > HOUR_S, np.arange(n) % 7)).astype(np.float64),
        names=("ensemble_p50", "hour"),
    )


def always(s: float) -> FloatArray:
    return np.full((3, N), s)


def two_kinds() -> FloatArray:
    """Waits of no time, and of two hours."""
    return np.where(np.random.default_rng(1).random(N) < 0.5, 0.0, 2.0 * HOUR_S)


def test_a_case_has_started_only_once_it_had_by_then() -> None:
    of = cases(np.array([0.0, 150.0, 60.0, 0.0]))
    assert of.started(0).tolist() == []
    assert of.started(3).tolist() == [0, 2]
    gone = replace(of, is_cancelled=np.array([True, False, False, False]))
    assert gone.started(3).tolist() == [2]


def test_nothing_is_learnt_from_few_cases_and_then_it_is() -> None:
    of = cases(two_kinds())
    said_s = grown(of, with_simulation=True, seed=1)
    told = ~np.isnan(said_s[1])
    first = int(np.argmax(told))
    assert of.started(first).size >= 100
    assert told[first:].all()
    assert not told[:first].any()
    np.testing.assert_array_equal(said_s[1, first:], of.waited_s[first:])


def test_without_simulation_its_features_are_not_looked_at() -> None:
    said_s = grown(cases(two_kinds()), with_simulation=False, seed=1)
    told = said_s[:, ~np.isnan(said_s[1])]
    assert (told[0] < told[2]).all()  # only the simulation tells the two kinds apart


def test_each_answer_is_corrected_by_the_outcomes_before_it() -> None:
    of = cases(np.full(N, 500.0))
    said_s = calibrated(of, always(100.0))
    assert said_s[:, 0].tolist() == pytest.approx([100.0] * 3)
    assert said_s[:, -1].tolist() == pytest.approx([500.0] * 3, rel=0.1)


def test_what_a_forest_says_is_corrected_in_part() -> None:
    of = cases(np.full(N, 500.0), recent_like=always(100.0), ensemble=always(100.0))
    found = layers(of, always(100.0), always(100.0))
    for name in ("learner_calibrated", "hybrid_calibrated"):
        assert (found[name][:, -1] > 100.0).all()
        assert (found[name][:, -1] < 500.0).all()
    assert found["ensemble_calibrated"][:, -1].tolist() == pytest.approx([500.0] * 3, rel=0.1)


def test_who_has_lost_least_so_far_is_chosen_and_who_is_silent_replaced() -> None:
    of = cases(np.full(N, 500.0))
    silent = always(500.0)
    silent[:, -10:] = np.nan
    said_s = chosen(of, [always(9000.0), silent])
    assert said_s[1, 0] == 9000.0
    assert said_s[1, N - 11] == 500.0
    assert said_s[1, -1] == 9000.0


def test_partitions_choose_for_themselves() -> None:
    of = cases(np.where(np.arange(N) % 2, 0.0, 500.0))
    of = replace(of, partition=np.arange(N) % 2)
    said_s = chosen(of, [always(0.0), always(500.0)])
    assert said_s[1, -2:].tolist() == [500.0, 0.0]


def test_until_they_have_learnt_others_speak_for_them() -> None:
    of = cases(np.full(N, 500.0), recent_like=always(7.0), ensemble=always(8.0))
    said_s = layers(of, always(np.nan), always(np.nan))
    assert (said_s["learner"][1, 0], said_s["hybrid"][1, 0]) == (7.0, 8.0)
    assert said_s["chosen"][1, -1] == pytest.approx(500.0, rel=0.2)


def test_targets_are_among_those_asked_about_and_nobody_later() -> None:
    of = random_trace(np.random.default_rng(2), 90)
    asked = learnt_from(of, [50, 70])
    assert asked == list(range(71))


def test_where_queues_were_deep_fewer_are_asked_about() -> None:
    shallow = [job(number, number * MINUTE_S, wait_s=0.0, run_s=60.0) for number in range(9000)]
    deep = [job(number, number * MINUTE_S, wait_s=9e6, run_s=60.0) for number in range(9000)]
    assert len(learnt_from(trace(*shallow), [8000, 8999])) == pytest.approx(LEARNT_FROM, abs=2)
    assert len(learnt_from(trace(*deep), [8000, 8999])) == pytest.approx(FEWEST, abs=2)
