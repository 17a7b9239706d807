from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.sim.engine import Simulation
from planner.snapshot import Facts, build
from planner.snapshot.rules import last_calc_s
from tests.planner.recorded import recorded_facts, row, with_rows

WAITS = 932  # a job that waits, eligible for more than two calc periods


def ages_of(facts: Facts) -> tuple[float, float]:
    """The job's age factor, as the model has it at the origin and as sprio tells it."""
    (told,) = (one.age_norm for one in facts.priorities if one.job_id == WAITS)
    assert told is not None
    waiting = (one for one in Simulation(build(facts).world).queue() if one.job.key == str(WAITS))
    return next(waiting).factors.age, told


def config_of(facts: Facts, boot_time: str) -> Facts:
    assert facts.config is not None
    values = {**facts.config.values, "BOOT_TIME": boot_time}
    return replace(facts, config=replace(facts.config, values=values))


@pytest.mark.parametrize(
    ("before_s", "last_s"), [(1, 0.0), (31, -30.0), (60, -59.0), (61, 0.0), (3601 + 42, -42.0)]
)
def test_priorities_were_last_computed_whole_periods_and_a_second_after_the_boot(
    before_s: int, last_s: float
) -> None:
    facts = recorded_facts()
    booted = str(int(facts.taken_at.timestamp()) - before_s)
    config = config_of(facts, booted).config
    assert config is not None
    at = facts.taken_at.replace(microsecond=0)
    assert last_calc_s(config, at) == last_s


@pytest.mark.parametrize("boot_time", ["", "N/A", "2026-11-23T12:00:00"])
def test_without_a_boot_time_a_period_begins_with_the_snapshot(boot_time: str) -> None:
    facts = config_of(recorded_facts(), boot_time)
    assert build(facts).world.config.priority.last_calc_s == 0.0


def test_ages_at_the_origin_are_those_of_the_last_calc_period() -> None:
    own, told = ages_of(recorded_facts())
    assert own == pytest.approx(told, abs=1 / 7200)  # sprio counts in whole seconds


def test_sprio_tells_the_age_of_a_task_that_a_throttle_held_back() -> None:
    let_go_at = recorded_facts().taken_at - timedelta(seconds=2)
    own, told = ages_of(with_rows(replace(row(WAITS), eligible_at=let_go_at)))
    assert own == pytest.approx(told)


def test_sprio_tells_the_age_of_a_job_that_did_not_accrue_from_eligibility_on() -> None:
    began_at = recorded_facts().taken_at - timedelta(hours=1)
    own, told = ages_of(with_rows(replace(row(WAITS), eligible_at=began_at)))
    assert own == pytest.approx(told)
