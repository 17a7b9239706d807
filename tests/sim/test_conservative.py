"""Conservative backfilling: napkin schedules, the slow way, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.sim.conservative import Profile, conservative_starts_s
from planner.sim.pool import FloatArray, Tally, Workload

Job = tuple[float, int, float, float]  # submit_s, procs, est_s, run_s

PROCESSORS = 8
HORIZON_S = 400
thorough = settings(max_examples=150, deadline=None)


def workload(jobs: list[Job]) -> Workload:
    submit_s, procs, est_s, run_s = (np.array(column) for column in zip(*jobs, strict=True))
    return Workload(submit_s.astype(float), procs, est_s.astype(float), run_s.astype(float))


def starts(jobs: list[Job], processors: int = 10) -> list[float]:
    found: list[float] = conservative_starts_s(workload(jobs), processors).tolist()
    return found


def test_a_short_job_slips_into_the_gap_before_a_wide_one() -> None:
    assert starts([(0, 6, 100, 100), (1, 8, 100, 100), (2, 4, 50, 50)]) == [0, 100, 2]


def test_the_second_that_waits_is_protected_too() -> None:
    # EASY would let the last start at once: it delays the third, not the first that waits.
    jobs: list[Job] = [(0, 6, 100, 100), (1, 8, 50, 50), (2, 10, 50, 50), (3, 2, 190, 190)]
    assert starts(jobs) == [0, 100, 150, 200]


def test_an_early_end_moves_reservations_forward_in_the_order_of_submission() -> None:
    jobs: list[Job] = [(0, 10, 100, 30), (1, 5, 10, 10), (2, 10, 20, 20), (3, 5, 10, 10)]
    assert starts(jobs) == [0, 30, 40, 30]


def test_a_reservation_moves_only_where_it_fits_beside_later_ones() -> None:
    # Once the first ends early the third could move into the place of the fourth, which holds it.
    jobs: list[Job] = [(0, 4, 100, 20), (0, 6, 60, 60), (1, 8, 50, 50), (2, 6, 40, 40)]
    assert starts(jobs) == [0, 0, 100, 60]


def test_ends_and_submissions_of_an_instant_meet_in_one_pass() -> None:
    assert starts([(0, 10, 50, 50), (50, 10, 5, 5), (1, 10, 5, 5)]) == [0, 55, 50]


@pytest.mark.parametrize("origin_s", [-1e6, 0.25, 1.7e9])
def test_starts_are_told_in_the_origin_of_the_submissions(origin_s: float) -> None:
    jobs: list[Job] = [(origin_s, 6, 100, 100), (origin_s + 1, 8, 100, 100)]
    assert starts(jobs) == [origin_s, origin_s + 100]


def test_no_jobs_need_no_time() -> None:
    none = np.array([])
    assert conservative_starts_s(Workload(none, none.astype(int), none, none), 10).size == 0


@pytest.mark.parametrize(
    ("job", "problem"),
    [
        ((0, 11, 5, 5), "job 1 asks for 11 processors of a pool of 10"),
        ((0, 1, 5, 6), "job 1 runs for 6 s of an estimate of 5 s"),
        ((0, 1, 0, 0), "job 1 runs for 0 s of an estimate of 0 s"),
    ],
)
def test_a_job_that_breaks_promises_is_named(job: Job, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        starts([(0, 1, 1, 1), job])


def test_a_pool_with_running_jobs_is_refused() -> None:
    ones = np.ones(2)
    work = Workload(ones, ones.astype(int), ones, ones, start_s=np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="leave out start_s"):
        conservative_starts_s(work, 10)


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """Small integers, so that much happens at the same instant."""
    count = draw(st.integers(1, 12))

    def column(low: int, high: int) -> FloatArray:
        values = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
        return np.array(values, dtype=float)

    run_s = column(1, 9)
    est_s = run_s + np.maximum(0, column(-4, 9))
    return Workload(column(0, 12), column(1, PROCESSORS).astype(int), est_s, run_s)


def slow_starts_s(work: Workload) -> tuple[FloatArray, FloatArray]:
    """(starts, promises at submission), second by second, on a table of who holds what when."""
    count = len(work.submit_s)
    start_s, promised_s = np.full(count, np.nan), np.full(count, np.nan)
    reserved_s: dict[int, int] = {}
    held = np.zeros(HORIZON_S, dtype=int)
    order = np.argsort(work.submit_s, kind="stable").tolist()

    def hold(job: int, from_s: float, sign: int = 1) -> None:
        held[int(from_s) : int(begin_s(job) + work.est_s[job])] += sign * int(work.procs[job])

    def begin_s(job: int) -> float:
        return float(start_s[job]) if not np.isnan(start_s[job]) else reserved_s[job]

    def reserve(job: int, now_s: int) -> None:
        length_s, room = int(work.est_s[job]), PROCESSORS - work.procs[job]
        while (held[now_s : now_s + length_s] > room).any():
            now_s += 1
        reserved_s[job] = now_s
        hold(job, now_s)

    for now_s in range(HORIZON_S // 2):
        ending = [job for job in order if start_s[job] + work.run_s[job] == now_s]
        for job in ending:
            hold(job, now_s, -1)
        if any(work.run_s[job] < work.est_s[job] for job in ending):
            for job in [job for job in order if job in reserved_s]:
                hold(job, reserved_s[job], -1)
                reserve(job, now_s)
        for job in order:
            if work.submit_s[job] == now_s:
                reserve(job, now_s)
                promised_s[job] = reserved_s[job]
        for job in [job for job, at_s in reserved_s.items() if at_s == now_s]:
            start_s[job] = now_s
            del reserved_s[job]
    return start_s, promised_s


@given(work=workloads())
@thorough
def test_the_schedule_is_that_of_the_slow_way_and_keeps_its_promises(work: Workload) -> None:
    found_s = conservative_starts_s(work, PROCESSORS)
    slow_s, promised_s = slow_starts_s(work)
    np.testing.assert_array_equal(found_s, slow_s)
    assert (found_s <= promised_s).all()


@given(work=workloads())
@thorough
def test_no_job_starts_before_its_submission_and_none_without_room(work: Workload) -> None:
    start_s = conservative_starts_s(work, PROCESSORS)
    assert (start_s >= work.submit_s).all()
    for now_s in start_s:
        in_use = work.procs[(start_s <= now_s) & (now_s < start_s + work.run_s)].sum()
        assert in_use <= PROCESSORS


def test_a_tally_counts_what_the_clock_stopped_for() -> None:
    tally = Tally()
    work = workload([(0, 10, 100, 100), (0, 10, 50, 50), (7, 1, 5, 5)])
    conservative_starts_s(work, 10, tally)
    # Two instants of submissions, two reservations to come to, three ends.
    assert (tally.jobs, tally.events) == (3, 7)


def test_a_profile_forgets_what_is_over_and_joins_what_is_alike() -> None:
    profile = Profile(0.0, 8)
    profile.take(3, 5.0, 9.0)
    profile.take(-3, 5.0, 9.0)
    assert (profile.times_s, profile.free) == ([0.0], [8])
    profile.take(3, 0.0, 9.0)
    profile.begin_at(4.0)
    assert (profile.times_s, profile.free) == ([4.0, 9.0], [5, 8])
    profile.begin_at(9.0)
    assert (profile.times_s, profile.free) == ([9.0], [8])
