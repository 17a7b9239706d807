"""The judge of advice, on cases made by hand and on one world so small that it is quick."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from bench.hidden_advice import Advised
from bench.hidden_case import Case, Choice, Followed
from bench.hidden_judge import Judge
from bench.hidden_kinds import KINDS, perturbed
from bench.hidden_load import DAY_S, People, Submission, request_of
from bench.hidden_truth import LONGEST_WAIT_S, TrueWorld
from planner.asking.probe import probe_of
from planner.snapshot import build
from planner.snapshot.requests import Site

HOUR_S = 3600.0


def choice(
    start_s: float, *, what: str = "", p90_s: float | None = None, limit_s: float = HOUR_S
) -> Choice:
    return Choice(what or f"{start_s}", None, p90_s, start_s, limit_s)


def case(*choices: Choice, default: Choice | None = None, world: int = 0) -> Case:
    return Case("kth", world, "", 600.0, choices, default or choices[-1], None, choices)


def test_the_first_is_right_within_ten_minutes_or_a_tenth_of_the_wait_for_the_best() -> None:
    assert case(choice(590.0), choice(0.0)).is_right(choice(590.0))
    assert not case(choice(610.0), choice(0.0)).is_right(choice(610.0))
    assert case(choice(22_000.0), choice(20_000.0)).is_right(choice(22_000.0))
    assert not case(choice(22_001.0), choice(20_000.0)).is_right(choice(22_001.0))


def test_harm_is_to_be_later_than_the_default_by_ten_minutes_and_a_tenth() -> None:
    assert case(choice(700.0), choice(0.0)).harms()
    assert not case(choice(20_700.0), choice(20_000.0)).harms()
    assert not case(choice(0.0), choice(700.0)).harms()


def test_a_change_whose_limit_kills_the_job_loses_all_the_time_spent_on_it() -> None:
    before, after = choice(7200.0), choice(60.0, limit_s=300.0)
    change = Followed("limit_minutes", False, 7000.0, before, after)
    assert case(before).change_gain_s(change) == -(60.0 + 300.0)
    long_enough = replace(change, after=replace(after, limit_s=900.0))
    assert case(before).change_gain_s(long_enough) == 7200.0 - 60.0


def test_an_option_that_never_starts_counts_as_late_as_the_truth_is_followed() -> None:
    assert choice(inf).wait_s == LONGEST_WAIT_S


def test_figures_are_shares_of_the_questions_that_leave_a_choice() -> None:
    right = case(choice(0.0, p90_s=0.0), choice(9000.0, p90_s=inf))
    wrong = case(choice(9000.0, p90_s=60.0), choice(0.0, p90_s=0.0), world=1)
    alone = case(choice(9000.0), world=1)
    figures = Judge([right, wrong, alone]).figures()
    assert figures["first is right"].value == 0.5
    assert figures["first is right"].n == 2
    assert (figures["first is right"].low, figures["first is right"].high) == (0.0, 1.0)
    assert figures["first is worse than the default"].value == 0.5
    assert figures["gain over the default, mean"].value == 0.0
    assert figures["any option starts by its P90 of the fit"].value == 0.75
    assert figures["change helps"].value is None


@pytest.fixture(scope="module")
def world() -> TrueWorld:
    """Half a day of a pool of nodes that is asked for more than it has."""
    rng = np.random.default_rng(5)
    kind = KINDS["kth"](rng)
    people = People(kind, rng)
    submissions = people.submissions(rng, DAY_S, 1.5)
    found = TrueWorld(kind, perturbed(kind.config, rng), submissions)
    found.run(DAY_S / 2)
    return found


def test_a_look_shows_no_run_time_that_is_still_to_come(world: TrueWorld) -> None:
    seen = world.look()
    now = seen.facts.taken_at
    assert any(row.end_at is not None for row in seen.accounted)
    assert all(row.submit_at is not None and row.submit_at <= now for row in seen.accounted)
    assert all(row.end_at is None or row.end_at <= now for row in seen.accounted)
    assert all(job.run_s is None for job in build(seen.facts).world.jobs)


def test_a_look_tells_the_settings_and_the_truth_follows_others(world: TrueWorld) -> None:
    told, true = build(world.look().facts).world.config, world.future().world.config
    assert told.priority.weight_age != true.priority.weight_age
    assert told.bf_interval_s != true.bf_interval_s


def test_the_future_goes_on_from_what_runs_and_waits_at_the_look(world: TrueWorld) -> None:
    seen, future = build(world.look().facts).world, world.future().world
    assert {job.key for job in seen.jobs} <= {job.key for job in future.jobs}
    assert all(job.run_s is not None for job in future.jobs)
    assert all(job.submit_s > 0 for job in future.jobs[len(seen.jobs) :])


def test_a_job_that_outranks_all_starts_no_later_than_the_same_behind_all(
    world: TrueWorld,
) -> None:
    rng = np.random.default_rng(7)
    kind = KINDS["kth"](np.random.default_rng(5))
    project, run_s = next(People(kind, rng).session(rng))
    future = world.future()
    facts = world.look().facts
    site = Site.of(facts, future.world.nodes, future.world.partitions)
    probe = probe_of(future.world, site, request_of(project, kind), "batch")
    last = replace(probe, fixed_priority=1)
    first = replace(probe, fixed_priority=2**31)
    assert future.start_s(first, run_s) <= future.start_s(last, run_s)


def test_submissions_keep_the_load_that_is_asked_for() -> None:
    rng = np.random.default_rng(3)
    kind = KINDS["gpu"](rng)
    days = 40
    made = People(kind, rng).submissions(rng, days * DAY_S, 0.5)
    load = sum(map(_work_s, made)) / (kind.capacity * days * DAY_S)
    assert load == pytest.approx(0.5, rel=0.25)


def _work_s(one: Submission) -> float:
    return one.project.work * min(one.run_s, 60.0 * one.project.limit_minutes)


def test_a_question_is_answered_from_the_look_and_each_option_tried_in_the_truth(
    world: TrueWorld,
) -> None:
    kind = KINDS["kth"](np.random.default_rng(5))
    rng = np.random.default_rng(8)
    project, run_s = next(People(kind, rng).session(rng))
    advised = Advised(world.look(), seed=1)
    request = request_of(project, kind)
    found = advised.case("kth", 3, request, run_s, world.future(), insert=True)
    assert (found.kind, found.world, found.asked) == ("kth", 3, project.name)
    assert found.default in found.choices
    assert {one.what for one in found.choices} == {one.what for one in found.fitted}
    assert {one.what for one in found.choices} == {one.what for one in found.inserted}
    assert all(one.start_s >= 0 for one in found.choices)
