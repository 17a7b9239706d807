from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sim.cluster import World
from planner.sim.config import SchedulerConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Key, NodeShare
from planner.sim.occupancy import Room, allocation_of
from planner.sim.timeline import Release, Releases
from tests.sim.worlds import FINE, job, nodes, running, starts, view, world


def planned(of: World) -> dict[Key, float | None]:
    """The plan of the first cycle: what squeue --start would show."""
    simulation = Simulation(of)
    simulation.run(0.0)
    return {waiting.job.key: waiting.planned_start_s for waiting in simulation.queue()}


def behind_a_wide_job(*others: object, config: SchedulerConfig = FINE) -> World:
    """Three of four CPUs run until 100; a job of four waits for them."""
    return world(
        nodes(4),
        running("busy", on={"n0": 3}),
        job("wide", tasks=4, fixed_priority=9),
        *others,  # type: ignore[arg-type]
        config=config,
    )


def test_a_short_job_slips_into_the_gap_before_a_wide_one() -> None:
    one = behind_a_wide_job(
        job("short", limit_s=99.0, fixed_priority=1), job("long", limit_s=100.0, fixed_priority=2)
    )
    # As coded, a job may not end at the very second at which a hold begins.
    assert starts(one) == {"short": 0.0, "wide": 100.0, "long": 200.0}


def test_a_planned_job_hides_the_other_cores_of_its_node_in_the_plan() -> None:
    one = world(
        nodes(4),
        running("busy", on={"n0": 4}),
        job("high", fixed_priority=9),
        job("low", fixed_priority=1),
    )
    assert planned(one) == {"high": 100.0, "low": 200.0}
    # The main pass sees cores, not the plan: both start when the node is free.
    assert starts(one) == {"high": 100.0, "low": 100.0}


def test_a_hold_covers_all_nodes_of_the_planned_job() -> None:
    one = world(
        nodes(4, 4),
        running("busy", on={"n0": 4, "n1": 4}),
        job("pair", nodes=2, fixed_priority=9),
        job("second", required_nodes=("n1",), fixed_priority=1),
    )
    assert planned(one) == {"pair": 100.0, "second": 200.0}


def test_running_jobs_are_counted_by_core_not_by_node() -> None:
    one = world(
        nodes(4),
        running("early", on={"n0": 2}, limit_s=50.0),
        running("late", on={"n0": 2}, limit_s=500.0),
        job("pair", tasks=2),
    )
    assert planned(one) == {"pair": 50.0}


def test_nothing_is_planned_beyond_the_window() -> None:
    config = replace(FINE, bf_window_s=150.0)
    one = behind_a_wide_job(job("next", tasks=4), config=config)
    assert planned(one) == {"wide": 100.0, "next": None}


@pytest.mark.parametrize(("to_slot_end", "next_s"), [(False, 180.0), (True, 240.0)])
def test_holds_are_whole_slots_of_the_resolution(to_slot_end: bool, next_s: float) -> None:
    config = replace(FINE, bf_resolution_s=60.0, hold_to_slot_end=to_slot_end)
    one = behind_a_wide_job(job("next", tasks=4), config=config)
    # Held from floor(100) = 60 to floor(200) = 180, or to floor(200 + 59) = 240.
    assert planned(one) == {"wide": 100.0, "next": next_s}


def test_slots_are_on_round_times_of_the_wall_clock() -> None:
    config = replace(FINE, bf_resolution_s=60.0)
    one = behind_a_wide_job(job("next", tasks=4), config=config)
    # At the origin the clock shows 30 s past a minute: held until 230 -> 180 on the clock.
    assert planned(replace(one, origin_s=1_000_000_050.0))["next"] == 150.0


def test_a_cycle_tests_so_many_jobs_and_no_more() -> None:
    config = replace(FINE, bf_max_job_test=2)
    one = behind_a_wide_job(job("b", fixed_priority=8, tasks=4), job("c", tasks=4), config=config)
    assert planned(one) == {"wide": 100.0, "b": 200.0, "c": None}


@pytest.mark.parametrize("cap", ["bf_max_job_part", "bf_max_job_user", "bf_max_job_assoc"])
def test_a_cap_per_owner_leaves_the_rest_unplanned(cap: str) -> None:
    config = replace(FINE, **{cap: 1})
    assert planned(behind_a_wide_job(job("next", tasks=4), config=config))["next"] is None


def test_an_array_holds_for_so_many_of_its_tasks() -> None:
    config = replace(FINE, bf_max_job_array_resv=2)
    tasks = [job(("array", i), array_id="array", tasks=4) for i in range(3)]
    one = world(nodes(4), running("busy", on={"n0": 4}), *tasks, config=config)
    assert list(planned(one).values()) == [100.0, 200.0, None]


def test_a_job_below_the_reserve_threshold_is_tested_for_now_only() -> None:
    config = replace(FINE, bf_min_prio_reserve=5)
    one = behind_a_wide_job(job("low", tasks=4, fixed_priority=4), config=config)
    assert planned(one) == {"wide": 100.0, "low": None}


def test_a_job_over_its_limit_is_expected_to_end_after_kill_wait() -> None:
    one = world(nodes(4), running("late", on={"n0": 4}, start_s=-110.0, run_s=500.0), job("next"))
    assert planned(one) == {"next": 20.0}
    two = world(nodes(4), running("late", on={"n0": 4}, start_s=-900.0, run_s=2000.0), job("next"))
    assert planned(two) == {"next": 1.0}


@pytest.mark.parametrize(("to_window_end", "start_s"), [(True, 150.0), (False, 100.0)])
def test_up_to_24_11_a_plan_is_the_end_of_the_look_ahead_window(
    to_window_end: bool, start_s: float
) -> None:
    config = replace(FINE, plan_to_window_end=to_window_end)
    one = world(
        nodes(4, 4, 4),
        running("first", on={"n0": 4}, limit_s=100.0),
        # 100 is in the half minute up to 120 of the clock, and the window 30 s longer.
        running("same window", on={"n1": 4}, limit_s=150.0),
        running("next window", on={"n2": 4}, limit_s=151.0),
        job("waits", required_nodes=("n0",)),
        config=config,
    )
    assert planned(one) == {"waits": start_s}


def test_look_ahead_windows_double_or_grow_by_bf_window_linear() -> None:
    releases = Releases(Room.of_idle(nodes(4)), ends(on_n0=(10.0, 60.0, 61.0, 90.0, 149.0, 400.0)))
    everywhere = 1
    # The clock's half minute after 10 ends at 30: windows to 60, 90, 150, then 510 (30 + 480).
    doubling = releases.look_ahead(everywhere, linear_s=0.0, origin_s=0.0)
    assert doubling == [0, 2, 4, 5, 6]
    # To 60, 65, 70, ...: a window without an end is passed over.
    growing = releases.look_ahead(everywhere, linear_s=5.0, origin_s=0.0)
    assert growing == [0, 2, 3, 4, 5, 6]
    assert releases.look_ahead(0, linear_s=0.0, origin_s=0.0) == [0]


def test_look_ahead_windows_end_with_half_minutes_of_the_wall_clock() -> None:
    releases = Releases(Room.of_idle(nodes(4)), ends(on_n0=(10.0, 50.0, 51.0)))
    rows = releases.look_ahead(1, linear_s=0.0, origin_s=1_000_000_030.0)
    assert rows == [0, 2, 3]  # the half minute after 10 ends at 20, the window 30 s later


def test_only_a_job_that_matters_closes_a_look_ahead_window() -> None:
    of = nodes(4, 4)
    elsewhere = Release(50.0, allocation_of((NodeShare("n1", 0),), of))
    releases = Releases(Room.of_idle(of), [*ends(on_n0=(10.0, 70.0, 71.0, 500.0)), elsewhere])
    rows = releases.look_ahead(1, linear_s=0.0, origin_s=0.0)
    assert rows == [0, 3, 4, 5]


def ends(on_n0: tuple[float, ...]) -> list[Release]:
    of = nodes(4, 4)
    return [Release(end_s, allocation_of((NodeShare("n0", 0),), of)) for end_s in on_n0]


def test_jobs_on_nodes_that_are_down_open_no_look_ahead_window() -> None:
    one = world(
        nodes(4, 4, down=[1]),
        running("drains", on={"n1": 4}, limit_s=75.0),
        running("first", on={"n0": 2}, limit_s=100.0),
        running("same window", on={"n0": 2}, limit_s=125.0),
        job("waits", tasks=2),
    )
    assert planned(one) == {"waits": 125.0}


@pytest.mark.parametrize("keeps_plan", [True, False])
def test_a_hold_that_only_pushes_another_hold_aside_still_counts(keeps_plan: bool) -> None:
    of = nodes(4, 4)
    one = world(
        of,
        running("on n0", on={"n0": 4}, limit_s=100.0, partitions=("both",)),
        running("on n1", on={"n1": 3}, limit_s=150.0, partitions=("both",)),
        job("first", tasks=4, nodes=1, partitions=("left",), fixed_priority=9),
        job("pushed", tasks=4, nodes=1, partitions=("both",), fixed_priority=5),
        job("small", limit_s=200.0, partitions=("right",), fixed_priority=1),
        partitions=(view(of, 0, name="left"), view(of, name="both"), view(of, 1, name="right")),
    )
    # "first" holds n0 from 100 on, so "pushed" holds n1 from 150 on: no room for 200 s before.
    started: list[Key] = []
    simulation = Simulation(
        one, on_start=lambda run: started.append(run.job.key), keeps_plan=keeps_plan
    )
    simulation.run(99.0)
    assert started == []


def test_a_job_of_two_partitions_shows_its_earlier_start() -> None:
    of = nodes(4, 4)
    one = world(
        of,
        running("long", on={"n0": 4}, limit_s=500.0, partitions=("a",)),
        running("short", on={"n1": 4}, limit_s=50.0, partitions=("b",)),
        job("both", partitions=("a", "b")),
        partitions=(view(of, 0, name="a"), view(of, 1, name="b")),
    )
    assert planned(one) == {"both": 50.0}
    assert starts(one) == {"both": 50.0}


def test_a_job_refused_by_a_limit_now_gets_no_hold_and_no_estimate() -> None:
    one = behind_a_wide_job(
        job(("array", 0), array_id="array", array_throttle=1, limit_s=50.0, fixed_priority=3),
        job(("array", 1), array_id="array", array_throttle=1, limit_s=50.0, fixed_priority=3),
    )
    assert planned(one) == {"wide": 100.0, ("array", 1): None}


def slow_cycle(*, goes_on: bool) -> World:
    """A cycle that needs 10 s a test and yields after each; something is submitted meanwhile."""
    config = replace(
        FINE,
        main_interval_s=0.0,
        bf_interval_s=1000.0,
        bf_test_cost_s=10.0,
        bf_continue=goes_on,
    )
    return world(nodes(4), job("a"), job("b"), job("new", submit_s=15.0), config=config)


def test_a_cycle_aborts_at_a_lock_yield_where_something_changed() -> None:
    assert starts(slow_cycle(goes_on=False), until_s=900.0) == {"a": 10.5}


def test_with_bf_continue_the_cycle_goes_on_with_the_old_list() -> None:
    assert starts(slow_cycle(goes_on=True), until_s=900.0) == {"a": 10.5, "b": 21.0}


def test_a_cycle_ends_when_its_time_is_up() -> None:
    config = replace(
        FINE, main_interval_s=0.0, bf_interval_s=1000.0, bf_test_cost_s=10.0, bf_max_time_s=5.0
    )
    one = world(nodes(4), job("a"), job("b"), config=config)
    assert starts(one, until_s=900.0) == {"a": 10.5}
