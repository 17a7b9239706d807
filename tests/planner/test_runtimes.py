"""How long a job will run, as jobs before it tell."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.runtimes import AskedRun, PastRuns, Ran, RunTimes, learnt
from planner.runtimes.curves import OVERTIME_S
from planner.runtimes.recent import Recent
from planner.runtimes.samples import Samples
from planner.traces.jobs import TraceJob
from planner.traces.reading import read_trace

HOUR_S = 3600.0
DAY_S = 86_400.0
NOW_S = 100.0 * DAY_S
ADA = AskedRun("ada", "physics", "train", "gpu", procs=4.0, limit_s=4 * HOUR_S)
U = np.linspace(0.01, 0.99, 99)


def ran(
    run_s: float | None,
    *,
    ago_s: float = DAY_S,
    user: str = "ada",
    account: str = "physics",
    name: str = "train",
    procs: float = 4.0,
    limit_s: float = 4 * HOUR_S,
) -> Ran:
    """Started ``ago_s`` before now; ``run_s`` None: runs still."""
    start_s = NOW_S - ago_s
    end_s = None if run_s is None else start_s + run_s
    return Ran(user, account, name, "gpu", procs, limit_s, start_s, end_s)


def some(runs_s: list[float], **what: object) -> list[Ran]:
    """One a minute, the last a day ago."""
    n = len(runs_s)
    return [ran(run_s, ago_s=DAY_S + 60.0 * (n - i), **what) for i, run_s in enumerate(runs_s)]


def quantiles(
    rows: list[Ran], job: AskedRun = ADA, age_s: float = 0.0, u: np.ndarray = U
) -> np.ndarray:
    return RunTimes.learn(PastRuns.of(rows), NOW_S).draw([job], np.array([age_s]), u[None, :])[0]


def median(rows: list[Ran], job: AskedRun = ADA, age_s: float = 0.0) -> float:
    return float(quantiles(rows, job, age_s, np.array([0.5]))[0])


def test_the_user_s_steady_jobs_tell_the_next_one() -> None:
    assert median(some([1000.0] * 30)) == pytest.approx(1000.0, rel=0.05)


def test_the_newest_jobs_tell_more_than_old_ones() -> None:
    assert median(some([600.0] * 20 + [6000.0] * 20)) > 4000.0
    assert median(some([6000.0] * 20 + [600.0] * 20)) < 1000.0


def test_a_longer_limit_stretches_run_times_that_follow_it() -> None:
    rows = [
        row for limit_s in (HOUR_S, 8 * HOUR_S) for row in some([limit_s / 2] * 9, limit_s=limit_s)
    ]
    asked = replace(ADA, limit_s=16 * HOUR_S)
    assert median(rows, asked) == pytest.approx(8 * HOUR_S, rel=0.1)


def test_a_longer_limit_leaves_run_times_that_do_not_follow_it() -> None:
    rows = [row for limit_s in (HOUR_S, 8 * HOUR_S) for row in some([1200.0] * 9, limit_s=limit_s)]
    assert median(rows, replace(ADA, limit_s=16 * HOUR_S)) == pytest.approx(1200.0, rel=0.1)


def test_jobs_that_ran_into_their_limit_run_into_the_next_one() -> None:
    drawn_s = quantiles(some([4 * HOUR_S] * 30), replace(ADA, limit_s=HOUR_S))
    assert np.count_nonzero(drawn_s >= HOUR_S) > 60
    assert drawn_s.max() <= HOUR_S + OVERTIME_S


def test_numbers_in_a_name_make_no_other_job() -> None:
    rows = some([300.0] * 10, name="eval-lr0.1") + some([9000.0] * 10, name="fit-3")
    assert median(rows, replace(ADA, name="eval-lr0.25")) < 1000.0
    assert median(rows, replace(ADA, name="fit-11")) > 3000.0


def test_a_new_user_runs_as_the_account_does() -> None:
    rows = some([600.0] * 30) + some([12_000.0] * 30, user="bob", account="biology")
    eve = replace(ADA, user="eve", name="", procs=3.0)
    assert median(rows, eve) < 2500.0
    assert median(rows, replace(eve, account="biology")) > 6000.0


def test_a_stranger_runs_as_others_do_in_the_partition() -> None:
    debug = [replace(row, partition="debug") for row in some([30.0] * 20, user="bob", account="")]
    stranger = replace(ADA, user="eve", account="", name="")
    rows = some([12_000.0] * 20) + debug
    assert median(rows, replace(stranger, partition="debug")) < 0.5 * median(rows, stranger)


def test_without_history_a_job_runs_as_first_jobs_do() -> None:
    shares = quantiles([], u=np.array([0.1, 0.5, 0.9, 0.95])) / ADA.limit_s
    assert shares == pytest.approx([0.004, 0.2, 0.9, 1.0], rel=0.15)


def test_an_unknown_user_is_not_taken_for_another_unknown_one() -> None:
    nobody = replace(ADA, user="", account="", name="")
    rows = some([600.0] * 9, user="", account="", name="")
    spread = quantiles(rows, nobody)[[10, 90]]
    assert spread[1] / spread[0] > quantiles(some([600.0] * 9))[90] / 600.0


@pytest.mark.parametrize("age_s", [1.0, 500.0, 900.0, 2000.0, 4 * HOUR_S - 1.0])
def test_a_running_job_runs_longer_than_it_has_and_not_much_beyond_its_limit(age_s: float) -> None:
    drawn_s = quantiles(some([1000.0] * 20 + [3000.0] * 5), age_s=age_s)
    assert (drawn_s > age_s).all()
    assert (drawn_s <= ADA.limit_s + OVERTIME_S).all()


def test_a_job_older_than_the_short_ones_runs_as_the_long_ones_did() -> None:
    rows = some([60.0, 60.0, 60.0, 9000.0] * 10)
    assert median(rows) < 200.0
    assert median(rows, age_s=600.0) == pytest.approx(9000.0, rel=0.2)


def test_a_job_past_its_limit_ends_any_moment() -> None:
    drawn_s = quantiles(some([1000.0] * 5), age_s=ADA.limit_s + 20.0)
    assert (drawn_s > ADA.limit_s + 20.0).all()
    assert (drawn_s < ADA.limit_s + 60.0).all()


def test_a_job_without_a_limit_may_outlive_all_that_ended() -> None:
    unlimited = replace(ADA, limit_s=math.inf)
    rows = some([1000.0] * 20, limit_s=math.inf)
    assert median(rows, unlimited) == pytest.approx(1000.0, rel=0.1)
    drawn_s = quantiles(rows, unlimited, age_s=60 * DAY_S)
    assert (drawn_s > 60 * DAY_S).all()
    assert np.isfinite(drawn_s).all()


def test_limits_of_others_do_not_bind_a_job_without_one() -> None:
    drawn_s = quantiles(some([4 * HOUR_S] * 20), replace(ADA, limit_s=math.inf))
    assert np.median(drawn_s) > 4 * HOUR_S


def test_jobs_that_run_still_say_that_the_next_may_run_as_long() -> None:
    ended = some([300.0] * 5)
    running = [ran(None, ago_s=3 * HOUR_S + i) for i in range(20)]
    assert median(ended) < 400.0
    assert median(ended + running) > 3 * HOUR_S


def test_many_jobs_of_one_sweep_tell_less_of_other_jobs_than_as_many_kinds_do() -> None:
    other = replace(ADA, name="new", procs=9.0)
    kinds = [row for i in range(30) for row in some([100.0], name=chr(97 + i))]
    of_kinds, of_a_sweep = quantiles(kinds, other), quantiles(some([100.0] * 30), other)
    assert of_kinds[50] < of_a_sweep[50]
    assert of_kinds[90] < 0.5 * of_a_sweep[90]


def test_a_sweep_that_runs_still_leaves_the_rest_to_less_alike_jobs() -> None:
    failed = ran(14.0, ago_s=300.0, name="fit", limit_s=300.0)
    sweep = [ran(None, ago_s=26.0 + i / 100) for i in range(13)]
    left_s = quantiles([failed, *sweep], age_s=26.0) - 26.0
    assert left_s[9] < 0.1 * ADA.limit_s
    assert left_s[89] > 0.5 * ADA.limit_s


def test_what_runs_still_is_resolved_by_less_alike_jobs_beyond_its_age() -> None:
    coarser = Samples(np.log([100.0, 1000.0]), np.array([0.5, 0.5]), np.array([True, True]))
    runs_still = Samples(np.log([500.0]), np.array([4.0]), np.array([False]))
    ends = runs_still.resolved(coarser, 4.0, HOUR_S)
    assert np.exp(ends.log_s) == pytest.approx([100.0, 1000.0])
    assert ends.weight == pytest.approx([0.25, 0.75])


def test_what_outlived_everything_ends_at_the_limit() -> None:
    coarser = Samples(np.log([100.0]), np.array([1.0]), np.array([True]))
    runs_still = Samples(np.log([500.0]), np.array([4.0]), np.array([False]))
    ends = runs_still.resolved(coarser, 4.0, HOUR_S)
    assert np.exp(ends.log_s) == pytest.approx([100.0, HOUR_S])
    assert ends.weight == pytest.approx([0.5, 0.5])


def test_the_first_ends_of_a_sweep_tell_of_those_that_run_still() -> None:
    running = [ran(None, ago_s=1300.0 + i) for i in range(6)]
    ended = [ran(1500.0 + 10 * i, ago_s=1600.0 + i) for i in range(6)]
    assert median(running, age_s=1300.0) > 3000.0
    assert median(ended + running, age_s=1300.0) < 2500.0


def swept(
    ended_s: list[float], *, ago_s: float = 60.0, limit_s: float = 4 * HOUR_S, goes_on: bool = True
) -> list[Ran]:
    """A sweep that started at once, the last of these an end ``ago_s`` before now; whether one of
    it runs still. Beside it jobs of many magnitudes.
    """
    others = some(np.geomspace(60.0, 3 * HOUR_S, 20).tolist(), name="fit", limit_s=4 * HOUR_S)
    began_s = max(ended_s) + ago_s
    runs_s = [*ended_s, None] if goes_on else ended_s
    return others + [ran(run_s, ago_s=began_s, limit_s=limit_s) for run_s in runs_s]


def test_the_last_of_a_sweep_end_soon_after_those_that_have_just_ended() -> None:
    rows = swept([1400.0, 1450.0, 1480.0], ago_s=20.0)
    assert 1500.0 < median(rows, age_s=1500.0) < 1800.0


def test_the_second_end_of_a_sweep_tells_whether_its_jobs_run_alike() -> None:
    one, two, other = (
        np.mean(np.abs(np.log(quantiles(swept(ended_s)) / 1400.0)) < 0.3)
        for ended_s in ([1400.0], [1400.0, 1450.0], [1400.0, 200.0])
    )
    assert other < one < two


def test_a_sweep_that_ends_at_all_magnitudes_tells_of_none() -> None:
    rows = swept([8000.0]) + [ran(run_s, ago_s=run_s + 50.0) for run_s in (100.0, 900.0)]
    drawn_s = quantiles(rows)
    assert drawn_s[9] < 300.0
    assert drawn_s[89] > HOUR_S


def test_who_has_outlived_its_sweep_by_far_runs_as_less_alike_jobs_do() -> None:
    rows = swept([1400.0, 1450.0, 1480.0], ago_s=1400.0)
    assert median(rows, age_s=2 * 1480.0) > 1.5 * 2 * 1480.0


def test_what_had_that_name_before_is_no_part_of_the_sweep() -> None:
    ended_s = [1400.0, 1450.0, 1480.0]
    of_it = quantiles(swept(ended_s))
    for before in (swept(ended_s, goes_on=False), swept(ended_s, ago_s=HOUR_S)):
        assert of_it[89] < 0.5 * quantiles(before)[89]


def test_jobs_without_a_name_are_not_taken_for_a_sweep() -> None:
    rows = swept([1400.0, 1450.0, 1480.0])
    nameless = quantiles([replace(row, name="") for row in rows], replace(ADA, name=""))
    assert quantiles(rows)[89] < 0.5 * nameless[89]


def test_a_sweep_that_runs_into_its_limit_does_so_to_the_last() -> None:
    drawn_s = quantiles(swept([HOUR_S] * 3, limit_s=HOUR_S), replace(ADA, limit_s=HOUR_S))
    assert np.mean(drawn_s >= HOUR_S) > 0.8


def test_a_sweep_without_a_limit_runs_alike_too() -> None:
    rows = swept([1400.0, 1450.0, 1480.0], ago_s=20.0, limit_s=math.inf)
    unlimited = replace(ADA, limit_s=math.inf)
    assert 1500.0 < median(rows, unlimited, age_s=1500.0) < 2000.0


def test_a_large_array_that_has_just_started_does_not_hide_the_past() -> None:
    array = [ran(None, ago_s=60.0) for _ in range(1000)]
    assert median(some([1000.0] * 30) + array) == pytest.approx(1000.0, rel=0.2)


@pytest.mark.parametrize("log", ["KTH-SP2-1996-2.swf.gz", "CEA-Curie-2011-first-12000.swf.gz"])
def test_eight_in_ten_jobs_that_run_end_between_p10_and_p90(log: str) -> None:
    folder = os.environ.get("QUEUECAST_TRACES")
    if folder is None or not (path := Path(folder) / log).exists():
        pytest.skip(f"QUEUECAST_TRACES names no folder with {log}")
    rows = sorted(started(read_trace(path).jobs), key=lambda row: row.start_s)
    past = PastRuns.of(rows)
    rng = np.random.default_rng(0)
    held: list[bool] = []
    for now_s in rng.uniform(*np.quantile(past.start_s, [0.1, 1.0]), 40).tolist():
        running = np.flatnonzero((past.start_s <= now_s) & (now_s < past.end_s))
        known = RunTimes.learn(past, now_s)
        for row in (rows[place] for place in rng.permutation(running)[:12]):
            job = AskedRun(row.user, row.account, row.name, row.partition, row.procs, row.limit_s)
            u, age_s = np.array([[0.1, 0.9]]), np.array([now_s - row.start_s])
            # Logs end jobs that ran into their limit up to half a percent before it.
            p10_s, p90_s = np.minimum(known.draw([job], age_s, u)[0], 0.995 * row.limit_s)
            held.append(p10_s <= min(row.end_s - row.start_s, 0.995 * row.limit_s) <= p90_s)
    assert 0.75 < np.mean(held) < 0.93


def started(jobs: Iterable[TraceJob]) -> Iterator[Ran]:
    for job in jobs:
        if job.wait_s is not None and job.run_s is not None:
            asked, start_s = job.asked, job.asked.submit_s + job.wait_s
            who = asked.user, asked.group, "", asked.partition
            yield Ran(*who, asked.procs, asked.limit_s, start_s, start_s + job.run_s)


run_times = st.lists(
    st.tuples(
        st.floats(1.0, 20 * HOUR_S),  # run time
        st.floats(-DAY_S, 3 * DAY_S),  # started so long ago
        st.sampled_from(["ada", "bob", ""]),
        st.sampled_from([HOUR_S, 4 * HOUR_S, 20 * HOUR_S, math.inf]),
    ),
    max_size=60,
)


def rows_of(drawn: list[tuple[float, float, str, float]]) -> list[Ran]:
    return [
        ran(min(run_s, limit_s), ago_s=ago_s, user=user, limit_s=limit_s)
        for run_s, ago_s, user, limit_s in drawn
    ]


@settings(deadline=None, max_examples=50)
@given(
    run_times, st.sampled_from([60.0, HOUR_S, 20 * HOUR_S, math.inf]), st.floats(0.0, 30 * HOUR_S)
)
def test_draws_grow_with_the_uniform_and_stay_between_age_and_limit(
    drawn: list[tuple[float, float, str, float]], limit_s: float, age_s: float
) -> None:
    drawn_s = quantiles(rows_of(drawn), replace(ADA, limit_s=limit_s), age_s)
    assert (np.diff(drawn_s) >= 0.0).all()
    assert (drawn_s > age_s).all()
    assert (drawn_s <= max(limit_s, age_s + 60.0) + OVERTIME_S).all()


@settings(deadline=None, max_examples=50)
@given(run_times, st.floats(0.0, HOUR_S))
def test_nothing_later_changes_the_answer(
    drawn: list[tuple[float, float, str, float]], age_s: float
) -> None:
    rows = rows_of(drawn)
    known = [
        row if row.end_s is not None and row.end_s <= NOW_S else replace(row, end_s=None)
        for row in rows
        if row.start_s <= NOW_S
    ]
    assert np.array_equal(quantiles(rows, age_s=age_s), quantiles(known, age_s=age_s))


def test_many_jobs_at_once_draw_as_each_alone() -> None:
    past = PastRuns.of(some([600.0] * 9) + some([9000.0] * 9, user="bob", name="fit"))
    jobs = [ADA, replace(ADA, user="bob"), replace(ADA, user="eve"), replace(ADA, limit_s=60.0)]
    age_s = np.array([0.0, 700.0, 0.0, 30.0])
    u = np.random.default_rng(7).uniform(size=(4, 16))
    together = RunTimes.learn(past, NOW_S).draw(jobs, age_s, u)
    for i, job in enumerate(jobs):
        alone = RunTimes.learn(past, NOW_S).draw([job], age_s[i : i + 1], u[i : i + 1])
        assert together[i] == pytest.approx(alone[0], rel=1e-9)


def test_what_was_asked_for_lately_is_kept_and_the_rest_made_anew() -> None:
    recent: Recent[str, str] = Recent(2)
    made: list[str] = []

    def ask(key: str) -> str:
        return recent.get(key, lambda: made.append(key) or key.upper())

    assert [ask(key) for key in "abacab"] == list("ABACAB")
    assert made == ["a", "b", "c", "b"]


def test_jobs_draw_the_same_when_their_curve_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = some([60.0 * minute for minute in range(1, 30)])
    jobs = [replace(ADA, limit_s=hours * HOUR_S) for hours in (1, 2, 3, 1, 2, 3)]
    expected = [quantiles(rows, job).tolist() for job in jobs]
    monkeypatch.setattr(learnt, "CURVES_KEPT", 1)
    monkeypatch.setattr(learnt, "COARSER_KEPT", 1)
    runs = RunTimes.learn(PastRuns.of(rows), NOW_S)
    assert [runs.draw([job], np.zeros(1), U[None, :])[0].tolist() for job in jobs] == expected


def test_no_jobs_draw_nothing() -> None:
    assert RunTimes.learn(PastRuns.of([]), NOW_S).draw([], np.empty(0), np.empty((0, 4))).size == 0
