"""Replicas of small worlds: what is drawn, what is kept, and what their spread says."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from planner.arrivals import Arrivals, FutureJobs, PastSubmissions
from planner.ensemble import Past, Starts, asked_run, is_stable, joined, quantiles, run_batch
from planner.ensemble.arriving import arriving
from planner.ensemble.chance import alike, hashes, uniforms
from planner.ensemble.collecting import no_collection
from planner.ensemble.processes import run_batches
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.sim.cluster import World
from planner.sim.jobs import Job
from planner.sim.results import plan
from tests.sim.worlds import job, nodes, running, view, world

HORIZON_S = 1000.0


def past_of(of: World, runs_s: Iterable[float] = range(30, 60)) -> Past:
    """User u's jobs with a limit of 100 s ran so long; every job of the world is drawn."""
    ran = [
        Ran("u", "a", "", "p", 1.0, 100.0, start_s=-5000.0 + at, end_s=-5000.0 + at + run_s)
        for at, run_s in enumerate(runs_s)
    ]
    runs = RunTimes.learn(PastRuns.of(ran), now_s=0.0)
    return Past(runs, asked={one.key: asked_run(one, of) for one in of.jobs})


def batch(of: World, past: Past, replicas: range = range(8), seed: int = 0) -> Starts:
    return run_batch(of, past, seed=seed, replicas=replicas, horizon_s=HORIZON_S)


def each_5_s(template: Job, of: World) -> FutureJobs:
    """An hour of submissions of such a job, to come again."""
    submit_s = np.arange(-3600.0, 0.0, 5.0)
    arrivals = Arrivals.learn(PastSubmissions.of(submit_s), now_s=0.0)
    assert arrivals is not None
    templates = dict.fromkeys(range(submit_s.size), template)
    return FutureJobs.of(arrivals, templates, dict.fromkeys(templates, asked_run(template, of)))


def starts(start_s: list[list[float]], end_s: list[list[float]] | None = None) -> Starts:
    """One row a replica, jobs 0, 1, ..."""
    table = np.array(start_s)
    keys = tuple(range(table.shape[1]))
    return Starts(keys, table, table + 1.0 if end_s is None else np.array(end_s))


def behind_one() -> World:
    return world(nodes(4), running("busy", on={"n0": 4}, start_s=-40.0), job("next", tasks=4))


def test_a_job_starts_when_the_one_before_it_ends_in_each_future() -> None:
    of = behind_one()
    made = batch(of, past_of(of))
    assert made.keys == ("next",)
    (start_s,) = made.start_s.T
    assert start_s.min() > 0.0  # it has run 40 s already, and goes on
    assert start_s.max() <= 60.0  # its limit
    assert len(set(start_s.tolist())) > 4
    (run_s,) = (made.end_s - made.start_s).T
    assert (run_s <= 100.0).all()
    assert len(set(run_s.tolist())) > 4


def test_a_replica_is_the_same_in_whatever_batch_it_runs() -> None:
    of = behind_one()
    past = past_of(of)
    whole = batch(of, past)
    parts = joined([batch(of, past, range(3)), batch(of, past, range(3, 8))])
    assert parts.keys == whole.keys
    assert np.array_equal(parts.start_s, whole.start_s)
    assert np.array_equal(parts.end_s, whole.end_s)
    assert not np.array_equal(batch(of, past, seed=1).start_s, whole.start_s)


def test_batches_run_by_other_processes_are_the_same() -> None:
    of = behind_one()
    past = past_of(of)
    asked = run_batches(of, past, [range(4), range(4, 8)], seed=0, horizon_s=HORIZON_S, processes=2)
    assert np.array_equal(joined(list(asked)).start_s, batch(of, past).start_s)


def test_a_job_draws_the_same_whoever_else_waits() -> None:
    of = behind_one()
    pair = nodes(4, 4)
    sides = view(pair, 0), view(pair, 1, name="q")
    two = world(pair, *of.jobs, job("other", partitions=("q",)), partitions=sides)
    alone, both = batch(of, past_of(of)), batch(two, past_of(two))
    assert both.keys == ("next", "other")
    assert np.array_equal(both.start_s[:, 0], alone.start_s[:, 0])
    assert np.array_equal(both.end_s[:, 0], alone.end_s[:, 0])


def test_a_blank_past_is_the_plan() -> None:
    of = world(nodes(4), running("busy", on={"n0": 4}), job("a", tasks=4), job("b", tasks=2))
    made = batch(of, Past(), range(2))
    planned = [one.start_s for one in plan(of, HORIZON_S).values()]
    assert made.start_s.tolist() == [planned, planned]
    assert (made.end_s - made.start_s == 100.0).all()


def test_what_no_history_is_asked_about_runs_to_its_limit() -> None:
    of = behind_one()
    known = past_of(of)
    made = batch(of, replace(known, asked={"next": known.asked["next"]}))
    assert set(made.start_s[:, 0]) == {60.0}


def test_a_start_past_the_horizon_is_infinite_and_a_held_job_has_none() -> None:
    of = world(
        nodes(4),
        running("busy", on={"n0": 4}, limit_s=2000.0),
        job("late", tasks=4),
        job("held", held="JobHeldUser"),
    )
    made = batch(of, Past(), range(1))
    assert made.start_s[0, 0] == made.end_s[0, 0] == np.inf
    assert np.isnan(made.start_s[0, 1])
    assert np.isnan(made.end_s[0, 1])


def test_a_world_in_which_nothing_waits_has_no_starts() -> None:
    assert batch(world(nodes(4), running("busy", on={"n0": 4})), Past()).start_s.shape == (8, 0)


def test_of_jobs_named_the_starts_are_those_among_all() -> None:
    of = world(nodes(4), running("busy", on={"n0": 4}), job("a", tasks=4), job("b", tasks=4))
    past = past_of(of)
    named = run_batch(of, past, seed=0, replicas=range(8), horizon_s=HORIZON_S, of={"a"})
    assert named.keys == ("a",)
    assert np.array_equal(named.start_s[:, 0], batch(of, past).start_s[:, 0])


def test_jobs_to_come_that_rank_higher_make_a_start_later() -> None:
    of = world(
        nodes(4),
        running("busy", on={"n0": 4}, start_s=-40.0),
        job("next", tasks=4),
        partitions=(view(nodes(4)), view(nodes(4), name="first", priority_tier=2)),
    )
    past = past_of(of)
    crowded = replace(past, arrivals=each_5_s(job("past", tasks=4, partitions=("first",)), of))
    quiet, busy = batch(of, past), batch(of, crowded)
    assert busy.keys == quiet.keys == ("next",)
    assert (busy.start_s >= quiet.start_s).all()
    assert np.median(busy.start_s) > np.median(quiet.start_s) + 30.0


def test_who_arrives_is_the_same_however_many_are_told_at_a_time() -> None:
    of = behind_one()
    past = replace(past_of(of), arrivals=each_5_s(job("past"), of))

    def told(each_s: float) -> list[tuple[object, float, float | None]]:
        some = arriving(of, past, seed=0, replica=1, horizon_s=HORIZON_S, each_s=each_s)
        jobs: list[Job] = []
        for number in range(1, round(HORIZON_S / each_s) + 2):
            more = next(some)
            assert all(job.submit_s <= number * each_s for job in more)
            jobs += more
        return [(job.key, job.submit_s, job.run_s) for job in jobs]

    at_once = told(HORIZON_S)
    assert len(at_once) > 50
    assert len({run_s for *_, run_s in at_once}) > 4
    assert told(50.0) == at_once


@pytest.mark.parametrize("was_enabled", [True, False])
def test_garbage_is_looked_for_again_after_a_replica_as_before_it(was_enabled: bool) -> None:
    (gc.enable if was_enabled else gc.disable)()
    try:
        with pytest.raises(ValueError, match="in it"), no_collection():
            assert not gc.isenabled()
            raise ValueError("in it")
        assert gc.isenabled() == was_enabled
    finally:
        gc.enable()


def test_chance_hangs_on_the_key_alone() -> None:
    u = uniforms(hashes(["896", "1072_1"]), 3, range(2, 4))
    assert u.shape == (2, 2)
    assert np.array_equal(u[1:, 1:], uniforms(hashes(["1072_1"]), 3, range(3, 4)))
    # Kept for good: another value would move every forecast by its new draws.
    assert u[0, 0] == pytest.approx(0.6421813369166386, abs=1e-12)


def test_most_jobs_of_a_sweep_draw_alike_and_others_do_not() -> None:
    keys = hashes(range(600))
    sweeps = hashes(["one"] * 300 + list(range(300)))
    u = alike(keys, sweeps, 0, range(16))
    same = [np.unique(column, return_counts=True)[1].max() for column in u[:300].T]
    assert 150 < min(same) <= max(same) < 270
    assert [np.unique(column).size for column in u[300:].T] == [300] * 16
    assert abs(u.mean() - 0.5) < 0.05
    assert np.array_equal(u[:, 4:8], alike(keys, sweeps, 0, range(4, 8)))


def test_chance_is_uniform_over_keys_and_over_replicas() -> None:
    u = uniforms(hashes(range(400)), 0, range(50))
    assert ((u > 0.0) & (u < 1.0)).all()
    assert np.histogram(u, bins=10, range=(0, 1))[0] == pytest.approx([2000] * 10, rel=0.1)
    assert abs(np.corrcoef(u[:, 0], u[:, 1])[0, 1]) < 0.15
    assert abs(np.corrcoef(u[0], u[1])[0, 1]) < 0.5


def test_stratified_chance_has_one_draw_in_each_part() -> None:
    u = uniforms(hashes(range(3)), 0, range(16, 32))
    parts = np.floor(u * 16).astype(int)
    assert (np.sort(parts, axis=1) == np.arange(16)).all()
    assert len({tuple(order) for order in parts}) == 3


def test_one_more_value_lies_above_p90_once_in_ten_times() -> None:
    values = np.random.default_rng(0).exponential(size=(16, 20_000))
    p10_s, p50_s, p90_s = quantiles(values)
    for bound_s, share in ((p10_s, 0.1), (p50_s, 0.5), (p90_s, 0.9)):
        assert (1.0 - np.exp(-bound_s)).mean() == pytest.approx(share, abs=0.012)


def test_few_values_give_their_extremes() -> None:
    (p10_s,), (p50_s,), (p90_s,) = quantiles(np.array([[1.0], [4.0], [2.0], [3.0]]))
    assert (p10_s, p50_s, p90_s) == (1.0, 2.5, 4.0)


def test_a_quantile_in_which_infinity_has_a_part_is_infinite() -> None:
    (p10_s,), (p50_s,), (p90_s,) = quantiles(np.array([[1.0], [2.0], [3.0], [np.inf]]))
    assert (p10_s, p50_s, p90_s) == (1.0, 2.5, np.inf)
    assert quantiles(np.full((4, 1), np.inf)).tolist() == [[np.inf]] * 3


def test_a_job_that_starts_in_some_futures_only_is_late_in_the_others() -> None:
    found = quantiles(np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]]))
    assert found[:, 0].tolist() == [1.0, 3.0, np.inf]
    assert np.isnan(found[:, 1]).all()


def test_halves_that_agree_are_stable() -> None:
    at_once = [100.0, 130.0]
    assert is_stable(starts([at_once] * 8))
    assert is_stable(starts([[np.inf], [np.inf], [np.inf], [np.inf]]))
    assert is_stable(starts([[np.nan]] * 4))
    assert not is_stable(starts([at_once] * 3))
    assert not is_stable(starts([[100.0], [900.0]] * 4))
    assert not is_stable(starts([[100.0], [np.inf]] * 4))


def test_jobs_of_a_group_start_with_the_last_of_them() -> None:
    made = starts(
        [[1.0, 5.0, 9.0], [7.0, np.inf, 9.0]], [[11.0, 6.0, 10.0], [17.0, np.inf, 10.0]]
    ).together([(0, 1)])
    assert made.start_s.tolist() == [[5.0, 5.0, 9.0], [np.inf, np.inf, 9.0]]
    assert made.end_s.tolist() == [[15.0, 6.0, 10.0], [np.inf, np.inf, 10.0]]


def test_batches_of_different_jobs_do_not_join() -> None:
    with pytest.raises(ValueError, match="different jobs"):
        joined([starts([[1.0]]), starts([[1.0, 2.0]])])
