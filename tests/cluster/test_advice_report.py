"""What is said of pairs of runs, on pairs made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.cluster.advice_report import (
    Pair,
    Twins,
    Waited,
    harm_rate,
    interference_s,
    interval,
    median_gain_s,
    report,
)
from tests.cluster.advised import LIMITS_MINUTES, SHAPES, probes

TOLD = {"words": ["--partition=gpu"], "is_default": False, "p50_s": 30.0, "p90_s": 100.0}


def pair(default_s: float, advised_s: float, **told: object) -> Pair:
    return Pair(
        TOLD | told, ["--partition=cpu"], Waited(default_s, False), Waited(advised_s, False)
    )


def twins(*pairs: Pair, name: str = "0") -> Twins:
    return Twins(name, list(pairs), np.array([[10.0, 20.0], [16.0, 26.0]]))


def test_gain_is_the_wait_that_the_advised_form_saves() -> None:
    assert median_gain_s([twins(pair(300, 0), pair(100, 60), pair(0, 90))]) == 40


def test_harm_needs_more_than_a_minute_and_a_tenth_of_the_wait() -> None:
    assert pair(0, 61).harms
    assert not pair(0, 60).harms
    assert not pair(1000, 1100).harms
    assert pair(1000, 1101).harms
    assert harm_rate([twins(pair(0, 61), pair(0, 0))]) == 0.5


def test_others_are_compared_job_by_job() -> None:
    assert interference_s([twins(pair(0, 0))]) == 6


def test_an_interval_comes_from_runs_drawn_again_and_not_from_probes() -> None:
    alike = [twins(pair(300, 0), pair(0, 0)), twins(pair(300, 0), pair(0, 0))]
    found = interval(alike, median_gain_s)
    assert (found.low, found.value, found.high) == (150, 150, 150)


def test_a_probe_that_never_started_came_after_any_bound() -> None:
    late = replace(pair(0, 50), advised=Waited(50, is_censored=True))
    assert late.by_p90 is False
    assert pair(0, 115).by_p90
    assert not pair(0, 116).by_p90
    assert pair(0, 9000, p90_s=None, later_than_horizon=["p90"]).by_p90
    assert pair(0, 50, p90_s=None).by_p90 is None


def test_the_report_names_what_the_advice_changed() -> None:
    said = report([twins(pair(300, 0), pair(5, 5, is_default=True))])
    assert "of 1 advice was other than the default" in said
    assert "| 0 | 0 | --partition=cpu | 300 | --partition=gpu | 30, 100 | 0 |" in said
    assert "as asked" in said


def test_probes_are_the_same_for_the_same_seed_and_are_spaced() -> None:
    made = probes(np.random.default_rng(1), 7, 100.0, 50.0)
    assert made == probes(np.random.default_rng(1), 7, 100.0, 50.0)
    assert [probe.at_s for probe in made] == [100.0 + 50.0 * number for number in range(7)]
    assert len({probe.request.user for probe in made}) == 6
    assert {probe.request.partitions[0] for probe in made} <= {one.partition for one in SHAPES}
    assert all(probe.run_s < 60 * max(LIMITS_MINUTES) for probe in made)
    assert made[0].words[0] == f"--partition={made[0].request.partitions[0]}"


@pytest.mark.parametrize("pairs", [1, 3])
def test_a_report_can_be_made_of_any_number_of_runs(pairs: int) -> None:
    said = report([twins(pair(300, 0), name=str(number)) for number in range(pairs)])
    assert said.startswith(f"{pairs} pairs of runs, {pairs} probes in both forms")
