"""The sentence says what the numbers carry and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.accuracy import Score, score, sentence
from tests.planner.scored_rows import points

NOTHING = score(points([], []), np.random.default_rng(0))


def of(n: int, **figures: float | None) -> Score:
    told = {"answer_rate": 1.0, "median_ae_s": 700.0, "coverage_p50": 0.481, "n_compared": n}
    return replace(NOTHING, n=n, **{**told, **figures})


def test_a_bound_and_slurms_own_on_many_jobs() -> None:
    ours = of(1000, coverage_p90=0.904, within_factor_2=0.627)
    slurms = of(1000, within_factor_2=0.312)
    assert sentence(ours, slurms, "GPU jobs") == (
        "90 % of GPU jobs started before the time we gave; Slurm's own was right within a factor "
        "of two for 31 %, ours for 63 %."
    )


def test_where_slurm_answers_for_some_it_says_for_how_many_and_compares_nothing() -> None:
    ours = of(1000, coverage_p90=0.904, within_factor_2=0.627)
    slurms = of(1000, answer_rate=0.4, n_compared=400, within_factor_2=0.312)
    assert sentence(ours, slurms, "jobs").endswith(
        "; Slurm's own, given for 40 %, was right within a factor of two for 31 %."
    )


def test_without_a_bound_it_speaks_of_the_middle_estimate() -> None:
    assert sentence(of(1000), None, "jobs in gpu") == (
        "48 % of jobs in gpu started before our middle estimate (half should), and half of these "
        "estimates were off by less than 12 min."
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "1 min"),
        (59.0, "1 min"),
        (60.0, "2 min"),
        (89 * 60.0, "90 min"),
        (91 * 60.0, "2 h"),
        (47 * 3600.0, "48 h"),
        (49 * 3600.0, "3 days"),
    ],
)
def test_an_error_is_told_rounded_up(seconds: float, words: str) -> None:
    assert sentence(of(1000, median_ae_s=seconds), None, "jobs").endswith(f"than {words}.")


@pytest.mark.parametrize(
    ("n", "share", "words"),
    [
        (1000, 0.904, "90 %"),
        (100, 0.88, "About 90 %"),
        (100, 1.0, "100 %"),
        (100, 0.99, "Over 95 %"),
        (1000, 0.999, "Over 99 %"),
        (1000, 0.001, "Under 1 %"),
        (100, 0.0, "0 %"),
    ],
)
def test_a_share_has_no_digits_that_its_rows_do_not_carry(n: int, share: float, words: str) -> None:
    text = sentence(of(n, coverage_p90=share), None, "jobs")
    assert text.startswith(f"{words} of jobs started before the time we gave")


@pytest.mark.parametrize(("share", "is_kept"), [(0.45, False), (0.86, True), (0.99, False)])
def test_a_promise_that_was_not_kept_is_told_beside_what_came(share: float, is_kept: bool) -> None:
    text = sentence(of(1000, coverage_p90=share), None, "jobs")
    assert text.endswith("we gave." if is_kept else "we gave (90 % should).")


def test_few_rows_are_told_as_few() -> None:
    assert sentence(of(30, n_compared=19, coverage_p90=0.9), None, "jobs") == (
        "Of 30 forecasts for jobs, 19 gave a time and can be compared with a start: "
        "shares are told from 20 on."
    )
    slurms = of(100, answer_rate=0.1, n_compared=10, within_factor_2=0.3)
    assert sentence(of(100, coverage_p90=1.0), slurms, "jobs").endswith(
        "; too few of Slurm's own times (10) can be compared."
    )


def test_what_is_not_known_is_said() -> None:
    assert sentence(NOTHING, None, "jobs") == "No forecast for jobs has been scored yet."
    silent = of(100, answer_rate=0.0, n_compared=0, within_factor_2=None)
    assert sentence(of(100, coverage_p90=1.0), silent, "jobs").endswith(
        "; Slurm gave no time of its own for them."
    )
