from __future__ import annotations

from dataclasses import replace

from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from tests.sim.worlds import FINE, job, nodes, running, starts, world

MAIN_ONLY = replace(FINE, backfill=False)
SLOW = replace(MAIN_ONLY, main_min_delay_s=3.0)


def test_a_submission_waits_until_the_controller_looks() -> None:
    one = world(nodes(4), job("j", submit_s=7.25), config=MAIN_ONLY)
    assert starts(one) == {"j": 8.0}


def test_the_end_of_a_job_calls_a_pass_at_once_whatever_the_delay() -> None:
    one = world(
        nodes(4),
        job("first", tasks=4, submit_s=10.0, run_s=1.5),
        job("next", tasks=4, submit_s=10.0, run_s=0.5),
        job("last", tasks=4, submit_s=10.0),
        config=SLOW,
    )
    assert starts(one) == {"first": 10.0, "next": 11.5, "last": 12.0}


def test_with_defer_the_end_of_a_job_waits_as_a_submission_does() -> None:
    one = world(
        nodes(4),
        job("first", tasks=4, submit_s=10.0, run_s=1.5),
        job("next", tasks=4, submit_s=10.0),
        config=replace(SLOW, main_defers=True),
    )
    assert starts(one) == {"first": 10.0, "next": 13.0}


def test_the_pass_after_an_end_does_not_put_off_the_one_for_a_submission() -> None:
    one = world(
        nodes(4),
        running("busy", on={"n0": 4}, run_s=12.0),
        job("j", submit_s=12.5),
        config=replace(SLOW, main_min_delay_s=10.0),
    )
    assert starts(one) == {"j": 13.0}


def test_a_submission_after_a_periodic_pass_waits_even_if_that_had_nothing_to_do() -> None:
    one = world(nodes(4), job("j", submit_s=61.0), config=SLOW)
    assert starts(one) == {"j": 63.0}


def test_nobody_notices_that_a_begin_time_has_come_before_the_next_pass() -> None:
    late = job("late", submit_s=5.0, eligible_s=70.0)
    assert starts(world(nodes(4), late)) == {"late": 120.0}
    wakes = job("wakes", submit_s=90.0)
    assert starts(world(nodes(4), late, wakes)) == {"late": 90.0, "wakes": 90.0}


def test_backfill_with_nothing_to_do_looks_again_every_second() -> None:
    by_backfill = replace(FINE, main_interval_s=0.0)
    one = world(
        nodes(4), job("a", submit_s=40.5), job("b", submit_s=44.0, run_s=9.0), config=by_backfill
    )
    # The first look is at 0, the second at 30 in vain: then one a second until 41.
    assert starts(one) == {"a": 41.0, "b": 71.0}


def test_cycles_grow_apart_with_the_time_so_far_where_that_is_wanted() -> None:
    few = [job(f"at {at}", submit_s=float(at), tasks=1) for at in (1, 31, 61, 91)]
    one = world(
        nodes(4, 4),
        running("long", on={"n1": 4}, limit_s=5000.0),
        job("wide", nodes=2, tasks=8),  # keeps the main scheduler from the others
        *few,
        config=replace(FINE, bf_interval_growth=0.5),
    )
    found = starts(one)
    assert [found[each.key] for each in few] == [30.0, 60.0, 90.0, 135.0]


def test_passes_grow_apart_likewise_and_the_end_of_a_job_waits_for_the_next() -> None:
    one = world(
        nodes(4),
        job("first", tasks=4, submit_s=10.0, run_s=10.0),
        job("next", tasks=4, submit_s=10.0, run_s=1.5),
        job("last", tasks=4, submit_s=10.0),
        config=replace(SLOW, main_delay_growth=0.5),
    )
    assert starts(one) == {"first": 10.0, "next": 20.0, "last": 31.0}


def test_calc_periods_count_from_the_last_one_before_the_origin() -> None:
    ages = PriorityConfig(weight_age=1000, max_age_s=1000.0, calc_period_s=60, last_calc_s=-45.0)
    waits = job("w", tasks=4, submit_s=-100.0)
    one = world(nodes(4), running("r", on={"n0": 4}), waits, config=replace(FINE, priority=ages))
    simulation = Simulation(one)
    seen = []
    for until_s in (0.0, 14.0, 15.0, 74.0, 75.0):
        simulation.run(until_s)
        seen.append(simulation.queue()[0].priority)
    assert seen == [55, 55, 115, 115, 175]
