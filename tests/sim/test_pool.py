"""Space sharing of one pool, on schedules that fit on a napkin."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest

from planner.sim.pool import Policy, Workload, starts_s

Job = tuple[float, int, float, float]  # submit_s, procs, est_s, run_s


def workload(jobs: list[Job], start_s: list[float] | None = None) -> Workload:
    """``start_s`` is of the first jobs: they run already."""
    submit_s, procs, est_s, run_s = (np.array(column) for column in zip(*jobs, strict=True))
    given_s = None
    if start_s is not None:
        given_s = np.full(len(jobs), nan)
        given_s[: len(start_s)] = start_s
    return Workload(
        submit_s.astype(float), procs, est_s.astype(float), run_s.astype(float), given_s
    )


def starts(jobs: list[Job], processors: int = 10, policy: Policy = "easy") -> list[float]:
    found: list[float] = starts_s(workload(jobs), processors, policy).tolist()
    return found


WIDE_IN_THE_WAY: list[Job] = [(0, 6, 100, 100), (1, 8, 100, 100), (2, 4, 50, 50)]


def test_a_short_job_slips_into_the_gap_before_a_wide_one() -> None:
    assert starts(WIDE_IN_THE_WAY) == [0, 100, 2]


def test_first_come_first_served_lets_nobody_pass() -> None:
    assert starts(WIDE_IN_THE_WAY, policy="fcfs") == [0, 100, 200]


def test_a_long_job_may_not_delay_the_wide_one() -> None:
    assert starts([(0, 6, 100, 100), (1, 8, 100, 100), (2, 4, 150, 150)]) == [0, 100, 200]


def test_a_long_job_may_use_what_the_wide_one_leaves_over() -> None:
    assert starts([(0, 6, 100, 100), (1, 8, 100, 100), (2, 2, 500, 500)]) == [0, 100, 2]


def test_what_is_left_over_is_given_away_once() -> None:
    jobs: list[Job] = [
        (0, 6, 100, 100), (1, 8, 100, 100), (2, 1, 500, 500), (3, 1, 500, 500), (4, 1, 500, 500),
    ]  # fmt: skip
    assert starts(jobs) == [0, 100, 2, 3, 200]


def test_a_job_done_by_the_shadow_time_costs_nothing_of_what_is_left_over() -> None:
    jobs: list[Job] = [(0, 6, 100, 100), (1, 8, 100, 100), (2, 2, 98, 98), (2, 2, 500, 500)]
    assert starts(jobs) == [0, 100, 2, 2]


def test_all_that_is_expected_to_end_at_the_shadow_time_is_left_over() -> None:
    jobs: list[Job] = [(0, 4, 100, 100), (0, 5, 100, 100), (1, 4, 9, 9), (2, 1, 500, 500)]
    assert starts(jobs) == [0, 0, 100, 2]


def test_the_scheduler_plans_with_estimates_and_reacts_to_early_ends() -> None:
    # By its estimate the third job would delay the second, though it would not in truth; once
    # the first ends early the second starts at once.
    assert starts([(0, 6, 100, 30), (1, 8, 100, 100), (2, 4, 150, 5)]) == [0, 30, 130]


def test_ends_and_submissions_of_an_instant_meet_in_one_pass() -> None:
    # Were the end dealt with alone, the narrow job would start; were the submission, it would
    # find no room.
    assert starts([(0, 10, 50, 50), (50, 10, 5, 5), (1, 10, 5, 5)]) == [0, 55, 50]


def test_jobs_of_one_instant_queue_in_the_order_given() -> None:
    assert starts([(5, 10, 10, 10), (0, 10, 20, 20), (5, 10, 10, 10)]) == [20, 0, 30]


def test_a_job_of_no_duration_gives_its_processors_back_within_the_instant() -> None:
    assert starts([(0, 10, 0, 0), (0, 10, 10, 10)]) == [0, 0]


@pytest.mark.parametrize("origin_s", [-1e6, 0.25, 1.7e9 + 0.1])
def test_starts_are_told_in_the_origin_of_the_submissions(origin_s: float) -> None:
    jobs = [(origin_s + submit_s, *rest) for submit_s, *rest in WIDE_IN_THE_WAY]
    assert starts(jobs) == [origin_s, origin_s + 100, origin_s + 2]


def test_no_rounding_error_starts_a_job_before_its_submission() -> None:
    rng = np.random.default_rng(3)
    submit_s = np.sort(rng.uniform(0.0, 1e9, 500) ** rng.uniform(0.1, 1.0, 500))
    ones = np.ones(500)
    found_s = starts_s(Workload(submit_s, ones.astype(int), ones, ones), 10_000)
    assert (found_s == submit_s).all()


def test_jobs_that_run_already_are_expected_to_end_by_their_estimates() -> None:
    jobs: list[Job] = [(0, 6, 1000, 1000), (1000, 8, 10, 10), (1000, 4, 90, 90), (1000, 4, 101, 1)]
    found_s = starts_s(workload(jobs, start_s=[100]), 10)
    assert found_s.tolist() == [100, 1100, 1000, 1110]


def test_the_workload_given_is_left_as_it_was() -> None:
    work = workload(WIDE_IN_THE_WAY, start_s=[0])
    starts_s(work, 10)
    assert work.start_s is not None
    assert np.isnan(work.start_s).tolist() == [False, True, True]


def test_a_job_over_before_the_first_submission_is_no_hindrance() -> None:
    assert starts_s(workload([(0, 10, 50, 50), (99, 10, 5, 5)], start_s=[0]), 10)[1] == 99


def test_nobody_may_rely_on_a_job_that_has_outlived_its_estimate() -> None:
    # It is expected to end any moment: no time is left to slip in a job before the wide one.
    jobs: list[Job] = [(0, 6, 50, 500), (100, 10, 10, 10), (100, 1, 20, 20)]
    assert starts_s(workload(jobs, start_s=[0]), 10).tolist() == [0, 500, 510]


def test_nothing_starts_while_running_jobs_hold_more_than_the_pool() -> None:
    jobs: list[Job] = [(0, 8, 100, 100), (0, 8, 200, 200), (10, 1, 5, 5)]
    assert starts_s(workload(jobs, start_s=[0, 0]), 10).tolist() == [0, 0, 100]


def test_only_running_jobs_need_no_time() -> None:
    assert starts_s(workload([(0, 8, 100, 100)], start_s=[7]), 10).tolist() == [7]


def test_time_may_stop_at_the_start_of_a_job() -> None:
    found_s = starts_s(workload([*WIDE_IN_THE_WAY, (3, 10, 5, 5)]), 10, until=1)
    assert found_s[:3].tolist() == [0, 100, 2]
    assert isnan(found_s[3])


@pytest.mark.parametrize("procs", [11, 0])
def test_a_job_that_can_never_start_is_named(procs: int) -> None:
    with pytest.raises(ValueError, match=rf"job 1 asks for {procs} processors of a pool of 10"):
        starts([(0, 1, 1, 1), (0, procs, 1, 1)])
