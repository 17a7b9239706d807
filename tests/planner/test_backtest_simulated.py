"""Waits foretold by playing the known queue on."""

from __future__ import annotations

import pickle

import pytest

from planner.backtest.known import Known
from planner.backtest.simulated import SIM_LAST2, SIM_LIMITS, Simulated, last_two
from planner.backtest.walk import Walk
from planner.quantiles import Quantiles
from planner.traces.jobs import Asked, Trace, TraceJob

HOUR_S = 3600.0


def asked(
    submit_s: float, procs: int, limit_s: float, user: str = "ann", partition: str = ""
) -> Asked:
    return Asked(f"{submit_s}", submit_s, procs, limit_s, user, "", partition)


def ran(job: Asked, wait_s: float, run_s: float) -> TraceJob:
    return TraceJob(job, run_s=run_s, wait_s=wait_s)


def known_by(target: Asked, *jobs: TraceJob, processors: int | None = 10) -> Known:
    """What is known of the jobs as the target is submitted. They are given in order."""
    trace = Trace("small", (*jobs, ran(target, 0, 1)), processors, ())
    return Walk(trace).at(len(jobs))


def wait_s(method: Simulated, target: Asked, *jobs: TraceJob, processors: int | None = 10) -> float:
    said = method.forecast(target, known_by(target, *jobs, processors=processors))
    assert said is not None
    assert said.p50_s is not None
    assert said == Quantiles.point(said.p50_s)
    return said.p50_s


@pytest.mark.parametrize("method", [SIM_LIMITS, SIM_LAST2])
def test_a_job_that_has_room_and_nobody_before_it_starts_at_once(method: Simulated) -> None:
    assert wait_s(method, asked(50, 4, HOUR_S), ran(asked(0, 6, HOUR_S), 0, 100)) == 0


def test_by_limits_jobs_that_run_end_at_their_limits_and_those_that_wait_go_first() -> None:
    running = ran(asked(0, 6, 1000), 0, 120)
    waiting = ran(asked(10, 8, 500), 200, 30)
    assert wait_s(SIM_LIMITS, asked(100, 8, 60), running, waiting) == 900 + 500


def test_by_limits_a_short_job_slips_into_the_gap() -> None:
    running = ran(asked(0, 6, 1000), 0, 120)
    waiting = ran(asked(10, 8, 500), 200, 30)
    assert wait_s(SIM_LIMITS, asked(100, 4, 900), running, waiting) == 0
    assert wait_s(SIM_LIMITS, asked(100, 4, 901), running, waiting) == 900 + 500


@pytest.mark.parametrize("method", [SIM_LIMITS, SIM_LAST2])
def test_a_job_that_has_outlived_its_limit_ends_a_moment_later(method: Simulated) -> None:
    overdue = ran(asked(0, 10, 50), 0, 5000)
    assert wait_s(method, asked(100, 1, 10), overdue) == 1


def test_by_last_two_a_job_runs_as_long_as_its_users_last_two_on_average() -> None:
    past = [
        ran(asked(at_s, 1, HOUR_S), 0, run_s) for at_s, run_s in ((0, 9), (20, 100), (200, 300))
    ]
    running = ran(asked(1000, 10, HOUR_S), 0, 3000)
    assert wait_s(SIM_LAST2, asked(1050, 1, 10), *past, running) == 200 - 50


def test_the_users_run_times_and_not_those_of_others_count() -> None:
    past = ran(asked(0, 1, HOUR_S, user="bob"), 0, 9)
    running = ran(asked(1000, 10, HOUR_S), 0, 3000)
    assert wait_s(SIM_LAST2, asked(1050, 1, 10), past, running) == HOUR_S - 50


def test_a_prediction_never_exceeds_the_limit() -> None:
    past = ran(asked(0, 1, HOUR_S), 0, 900)
    running = ran(asked(1000, 10, 600), 0, 500)
    assert wait_s(SIM_LAST2, asked(1050, 1, 10), past, running) == 600 - 50


@pytest.mark.parametrize(
    ("age_s", "run_s"),
    [(0, 100), (99, 100), (100, 160), (160, 460), (460, 1360), (1360, 3160), (3160, 3600)],
)
def test_a_prediction_that_is_outlived_grows_step_by_step_up_to_the_limit(
    age_s: float, run_s: float
) -> None:
    job = asked(5000, 1, HOUR_S)
    assert last_two(job, known_by(job, ran(asked(0, 1, HOUR_S), 0, 100)), age_s) == run_s


def test_the_scheduler_keeps_to_the_limits_whatever_is_predicted() -> None:
    # All will be over in 10 s, but a limit beyond the promised start of the wide job is refused.
    past = ran(asked(0, 1, HOUR_S), 0, 10)
    running = ran(asked(1000, 6, 1000), 0, 500)
    waiting = ran(asked(1001, 8, 500), 500, 30)
    assert wait_s(SIM_LAST2, asked(1002, 4, 998), past, running, waiting) == 0
    assert wait_s(SIM_LAST2, asked(1002, 4, 999), past, running, waiting) == 8 + 10


@pytest.mark.parametrize("method", [SIM_LIMITS, SIM_LAST2])
def test_other_partitions_do_not_matter(method: Simulated) -> None:
    jobs = [
        ran(asked(0, 4, 100, partition="cpu"), 0, 10),
        ran(asked(20, 10, HOUR_S, partition="gpu"), 0, 500),
        ran(asked(30, 10, HOUR_S, partition="gpu"), 490, 500),
    ]
    assert wait_s(method, asked(40, 4, 10, partition="cpu"), *jobs) == 0


def test_a_pool_of_unknown_size_is_as_large_as_what_has_run_in_it_or_asks_to() -> None:
    jobs = [
        ran(asked(0, 4, 100, partition="gpu"), 0, 10),
        ran(asked(20, 3, 100, partition="gpu"), 0, 80),
    ]
    target = asked(30, 2, 500, partition="gpu")
    assert wait_s(SIM_LIMITS, target, *jobs, processors=None) == 90
    wide = ran(asked(26, 6, 100, partition="gpu"), 500, 10)
    assert wait_s(SIM_LIMITS, target, *jobs, wide, processors=None) == 90 + 100


def test_more_running_than_the_pool_has_only_makes_wait() -> None:
    running = [ran(asked(0, 8, 100), 0, 50), ran(asked(1, 8, 200), 0, 70)]
    assert wait_s(SIM_LIMITS, asked(10, 1, 10), *running) == 90


@pytest.mark.parametrize("method", [SIM_LIMITS, SIM_LAST2])
def test_a_method_can_be_sent_to_another_process(method: Simulated) -> None:
    assert pickle.loads(pickle.dumps(method)) == method  # noqa: S301
