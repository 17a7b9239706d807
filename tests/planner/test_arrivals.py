"""Submissions to come, drawn from those of the past."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from planner.arrivals import Arrivals, Drawn, FutureJobs, PastSubmissions
from planner.runtimes import AskedRun
from planner.sim.jobs import Dependency, Job

MINUTE_S = 60.0
HOUR_S = 3600.0
DAY_S = 86_400.0
NOW_S = 1000 * 7 * DAY_S + 13 * HOUR_S  # of the first day of a week


def learnt(submit_s: np.ndarray, since_s: float | None = None, now_s: float = NOW_S) -> Arrivals:
    found = Arrivals.learn(PastSubmissions.of(submit_s, since_s), now_s)
    assert found is not None
    return found


def random_past(days: float, an_hour: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return NOW_S - rng.uniform(0.0, days * DAY_S, rng.poisson(days * 24 * an_hour))


def draws(arrivals: Arrivals, n: int, horizon_s: float = DAY_S) -> list[Drawn]:
    return [arrivals.draw(np.random.default_rng([5, r]), NOW_S, horizon_s) for r in range(n)]


def of_rows(drawn: Drawn) -> dict[tuple[int, int], float]:
    keys = zip(drawn.stretch.tolist(), drawn.row.tolist(), strict=True)
    return dict(zip(keys, drawn.submit_s.tolist(), strict=True))


@pytest.mark.parametrize("days", [0.05, 1, 10, 50])
def test_submissions_come_after_now_within_the_horizon_and_in_order(days: float) -> None:
    horizon_s = min(days / 2, 1.0) * DAY_S
    for drawn in draws(learnt(random_past(days, 100)), 5, horizon_s):
        assert drawn.submit_s.size > 0
        assert drawn.submit_s[0] > NOW_S
        assert drawn.submit_s[-1] <= NOW_S + horizon_s
        assert (np.diff(drawn.submit_s) >= 0).all()
        assert len(of_rows(drawn)) == drawn.row.size


def test_too_few_or_too_recent_submissions_tell_nothing() -> None:
    def is_enough(n: int, minutes: float) -> bool:
        submit_s = NOW_S - np.linspace(0.0, minutes * MINUTE_S, n)
        return Arrivals.learn(PastSubmissions.of(submit_s), NOW_S) is not None

    assert is_enough(20, 5)
    assert not is_enough(19, 5)
    assert not is_enough(20, 4)
    assert Arrivals.learn(PastSubmissions.of(np.zeros(0)), NOW_S) is None


def test_what_comes_later_is_not_known() -> None:
    past_s = random_past(30, 5)
    later_s = NOW_S + np.linspace(1.0, DAY_S, 500)
    both = learnt(np.concatenate((past_s, later_s)), since_s=NOW_S - 30 * DAY_S)
    alone = learnt(past_s, since_s=NOW_S - 30 * DAY_S)
    for one, other in zip(draws(both, 3), draws(alone, 3), strict=True):
        assert one.row.tolist() == other.row.tolist()
        assert one.submit_s.tolist() == other.submit_s.tolist()


def test_the_same_chance_draws_the_same() -> None:
    arrivals = learnt(random_past(30, 5))
    (first,), (again,) = draws(arrivals, 1), draws(arrivals, 1)
    assert first.submit_s.tolist() == again.submit_s.tolist()
    assert first.row.tolist() == again.row.tolist()
    assert draws(arrivals, 2)[1].row.tolist() != first.row.tolist()


@pytest.mark.parametrize("days", [0.2, 10, 50])
def test_a_minute_later_the_same_submissions_are_to_come(days: float) -> None:
    past_s = random_past(days, 40)
    horizon_s = min(days / 2, 1.0) * DAY_S
    kept, known = 0, 0
    for seed in range(20):
        at = {
            now_s: of_rows(
                learnt(past_s, now_s=now_s).draw(np.random.default_rng(seed), now_s, horizon_s)
            )
            for now_s in (NOW_S, NOW_S + MINUTE_S)
        }
        before, after = at.values()
        shared = before.keys() & after.keys()
        still_ahead = [key for key, submit_s in before.items() if submit_s > NOW_S + MINUTE_S]
        known += len(still_ahead)
        kept += len(shared.intersection(still_ahead))
        assert all(before[key] == pytest.approx(after[key]) for key in shared)
    assert kept > 0.9 * known


def test_what_was_submitted_together_comes_together() -> None:
    moments_s = NOW_S - np.arange(1, 400) * 1.5 * HOUR_S
    arrivals = learnt(np.repeat(moments_s, 10))
    for drawn in draws(arrivals, 5):
        _, sizes = np.unique(drawn.submit_s, return_counts=True)
        assert sizes.size > 0
        assert (sizes % 10 == 0).all()


def test_submissions_come_at_their_hour_of_the_day() -> None:
    ten_s = (NOW_S // DAY_S) * DAY_S + 10 * HOUR_S
    past_s = np.concatenate([ten_s - day * DAY_S + np.arange(20) for day in range(1, 15)])
    found = 0
    for drawn in draws(learnt(past_s), 10):
        hours = drawn.submit_s % DAY_S / HOUR_S
        found += hours.size
        assert (np.abs(hours - 10.0) < 1.1).all()
    assert found > 0


def test_a_quiet_day_of_the_week_stays_mostly_quiet() -> None:
    past_s = random_past(84, 10)
    is_quiet = past_s // DAY_S % 7 == 1  # tomorrow
    arrivals = learnt(past_s[~is_quiet])
    today_s = (NOW_S // DAY_S + 1) * DAY_S
    counts = [
        [(each.submit_s <= today_s).sum() / 11, (each.submit_s > today_s).sum() / 24]
        for each in draws(arrivals, 40, today_s + DAY_S - NOW_S)
    ]
    an_hour_today, an_hour_tomorrow = np.mean(counts, axis=0)
    assert an_hour_today == pytest.approx(10.0, rel=0.2)
    assert an_hour_tomorrow < 0.5 * an_hour_today


def test_busy_days_are_followed_by_busy_days() -> None:
    rng = np.random.default_rng(3)
    spells = [
        NOW_S - (10 * spell + rng.uniform(0.0, 10.0, 3000 if spell % 2 else 30)) * DAY_S
        for spell in range(8)
    ]
    past_s = np.concatenate(spells)

    def mean_count(until_s: float) -> float:
        arrivals = learnt(past_s[past_s <= until_s], NOW_S - 80 * DAY_S, until_s)
        drawn = [arrivals.draw(np.random.default_rng(r), until_s, DAY_S) for r in range(40)]
        return float(np.mean([each.row.size for each in drawn]))

    assert mean_count(NOW_S) < 60  # three a day in this spell
    assert mean_count(NOW_S - 10 * DAY_S) > 200  # three hundred in the one before


@pytest.mark.parametrize("days", [2, 10, 50])
def test_as_many_come_as_came(days: float) -> None:
    counts = [each.row.size for each in draws(learnt(random_past(days, 20)), 200)]
    assert np.mean(counts) == pytest.approx(480, rel=0.12)


def test_a_short_history_is_less_sure_of_the_pace() -> None:
    def spread(days: float) -> float:
        counts = [each.row.size for each in draws(learnt(random_past(days, 50)), 100)]
        return float(np.std(counts) / np.mean(counts))

    spreads = [spread(days) for days in (2, 7, 60)]
    assert all(shorter > longer for shorter, longer in pairwise(spreads))


def test_no_further_ahead_than_half_as_far_as_is_known_back() -> None:
    arrivals = learnt(random_past(1 / 12, 200))
    newest_s = max(each.submit_s[-1] for each in draws(arrivals, 20))
    assert NOW_S + 0.8 * HOUR_S < newest_s <= NOW_S + HOUR_S
    assert arrivals.reach_s == pytest.approx(HOUR_S, rel=0.02)


def test_a_rush_that_has_ended_is_not_expected_to_go_on() -> None:
    rush_s = np.linspace(30.0, 20.0, 1000) * MINUTE_S
    trickle_s = np.linspace(20.0, 0.0, 21) * MINUTE_S
    past_s = NOW_S - np.concatenate((rush_s, trickle_s))
    counts = [each.row.size for each in draws(learnt(past_s), 40, 10 * MINUTE_S)]
    assert 3 < np.median(counts) < 50  # a minute of the rush alone held a hundred


def test_what_came_before_the_window_of_accounting_is_no_quiet_time() -> None:
    window_s = NOW_S - 30 * DAY_S
    within_s = random_past(30, 20)
    stray_s = window_s - np.array([1.0, 20.0, 40.0]) * DAY_S
    told, guessed = (
        learnt(np.concatenate((within_s, stray_s)), since_s) for since_s in (window_s, None)
    )
    assert told.reach_s == 15 * DAY_S
    assert guessed.reach_s == pytest.approx(15 * DAY_S, rel=0.02)
    rows = np.concatenate([each.row for each in draws(told, 20)])
    assert rows.max() < within_s.size


def prototype(key: str, **fields: object) -> Job:
    return Job(key=key, user="alice", account="physics", partitions=("gpu",), **fields)


def test_past_jobs_come_again_as_they_were_asked_for() -> None:
    fared = prototype(
        "7", limit_s=600.0, run_s=30.0, submit_s=-900.0, eligible_s=-800.0, start_s=-90.0,
        held="JobHeldUser", fixed_priority=3, dependencies=(Dependency("after", ("1",)),),
        array_id="7", array_throttle=1, nodes=2, gpus_per_node={"a100": 4},
    )  # fmt: skip
    submit_s = NOW_S - np.linspace(0.0, 2 * DAY_S, 100)
    asked = AskedRun("alice", "physics", "train", "gpu", 8.0, 600.0)
    future = FutureJobs.of(learnt(submit_s), dict.fromkeys(range(100), fared), {0: asked})
    jobs = future.jobs(np.random.default_rng(2), NOW_S, DAY_S)
    assert jobs
    assert len({job.key for job in jobs}) == len(jobs)
    for job in jobs:
        assert 0.0 < job.submit_s <= DAY_S
        assert (job.user, job.limit_s, job.nodes) == ("alice", 600.0, 2)
        assert job.gpus_per_node == {"a100": 4}
        fate = (job.eligible_s, job.start_s, job.run_s, job.held, job.fixed_priority)
        assert fate == (None,) * 5
        assert (job.dependencies, job.array_throttle) == ((), None)


def test_what_an_arrival_asked_for_is_found_by_its_key() -> None:
    asked = AskedRun("alice", "physics", "train", "gpu", 8.0, 600.0)
    submit_s = NOW_S - np.linspace(0.0, 2 * DAY_S, 100)
    future = FutureJobs.of(learnt(submit_s), {3: prototype("7")}, {3: asked})
    jobs = [job for r in range(20) for job in future.jobs(np.random.default_rng(r), NOW_S, DAY_S)]
    assert jobs
    assert {future.asked_by(job.key) for job in jobs} == {asked}
    assert future.asked_by("7") is None
    assert future.asked_by(("arrival", 1, "99", 0)) is None


def test_a_job_that_the_simulator_cannot_take_does_not_come_again() -> None:
    submit_s = NOW_S - np.linspace(0.0, 2 * DAY_S, 100)
    future = FutureJobs.of(learnt(submit_s), {row: prototype(str(row)) for row in range(50)}, {})
    jobs = future.jobs(np.random.default_rng(2), NOW_S, DAY_S)
    assert jobs
    assert {int(job.key[2]) for job in jobs} <= set(range(50))


def test_tasks_that_share_a_key_come_together_with_keys_of_their_own() -> None:
    submit_s = NOW_S - np.repeat(np.linspace(0.0, 2 * DAY_S, 25), 4)
    templates = {row: prototype(str(row // 4), array_id=row // 4) for row in range(100)}
    future = FutureJobs.of(learnt(submit_s), templates, {})
    tasks = future.jobs(np.random.default_rng(0), NOW_S, DAY_S)
    assert tasks
    assert len({job.key for job in tasks}) == len(tasks)
    for job in tasks:
        _, stretch, past_key, task = job.key
        assert task < 4
        assert job.array_id == ("arrival", stretch, int(past_key))
    sizes = Counter(job.submit_s for job in tasks)
    assert all(size % 4 == 0 for size in sizes.values())
