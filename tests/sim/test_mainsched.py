from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sim.cluster import Qos
from tests.sim.test_reservations import maintenance
from tests.sim.worlds import FINE, job, nodes, reasons, running, starts, view, world

MAIN_ONLY = replace(FINE, backfill=False)


def test_a_blocked_partition_takes_its_nodes_from_an_overlapping_one() -> None:
    of = nodes(4, 4, 4)
    left, right = view(of, 0, 1, name="left", priority_tier=2), view(of, 1, 2, name="right")
    busy = running("busy", on={"n0": 4}, partitions=("left",), limit_s=500.0)
    blocked = job("blocked", partitions=("left",), nodes=2)
    lower = job("lower", partitions=("right",), nodes=2)
    with_blocked = world(of, busy, blocked, lower, partitions=(left, right), config=MAIN_ONLY)
    assert reasons(with_blocked) == {"blocked": "Resources", "lower": "Resources"}
    without = world(of, busy, lower, partitions=(left, right), config=MAIN_ONLY)
    assert starts(without) == {"lower": 0.0}


def test_a_partition_apart_is_not_blocked() -> None:
    of = nodes(4, 4)
    left, right = view(of, 0, name="left", priority_tier=2), view(of, 1, name="right")
    one = world(
        of,
        running("busy", on={"n0": 4}, partitions=("left",)),
        job("blocked", partitions=("left",)),
        job("free", partitions=("right",)),
        partitions=(left, right),
        config=MAIN_ONLY,
    )
    assert starts(one, until_s=0.0) == {"free": 0.0}


def test_below_the_first_blocked_job_of_a_partition_all_wait_for_priority() -> None:
    one = world(
        nodes(4),
        running("busy", on={"n0": 3}),
        job("wide", tasks=4, fixed_priority=9),
        job("narrow", fixed_priority=1),
        config=MAIN_ONLY,
    )
    assert reasons(one) == {"wide": "Resources", "narrow": "Priority"}


def test_a_job_refused_by_a_limit_blocks_nobody() -> None:
    one = world(
        nodes(4),
        job("over", tasks=3, qos="small", fixed_priority=9),
        job("other", tasks=2, fixed_priority=1),
        running("mine", on={"n0": 2}, qos="small"),
        qos=(Qos("small", max_tres_per_user={"cpu": 4}),),
        config=MAIN_ONLY,
    )
    assert starts(one, until_s=0.0) == {"other": 0.0}
    assert reasons(one) == {"over": "QOSMaxCpuPerUserLimit"}


def test_a_blocked_job_that_names_its_nodes_leaves_the_partition_open() -> None:
    one = world(
        nodes(4, 4),
        running("busy", on={"n0": 1}),
        job("picky", nodes=1, tasks=4, required_nodes=("n0",), fixed_priority=9),
        job("small", fixed_priority=1, tasks=1),
        job("large", fixed_priority=1, tasks=4),
        config=MAIN_ONLY,
    )
    # n0 has three free CPUs, but they vanish with the nodes that the first job names.
    assert starts(one, until_s=0.0) == {"small": 0.0}
    assert reasons(one) == {"picky": "Resources", "large": "Resources"}


def test_priority_tier_goes_before_priority() -> None:
    of = nodes(4)
    one = world(
        of,
        job("rich", tasks=4, partitions=("low",), fixed_priority=1000),
        job("poor", tasks=4, partitions=("high",), fixed_priority=1),
        partitions=(view(of, name="low"), view(of, name="high", priority_tier=2)),
    )
    assert starts(one) == {"poor": 0.0, "rich": 100.0}


def test_equal_priority_goes_by_submit_time_then_by_arrival() -> None:
    one = world(
        nodes(1),
        job("later", submit_s=-5.0),
        job("first", submit_s=-9.0),
        job("second", submit_s=-9.0),
    )
    assert starts(one) == {"first": 0.0, "second": 100.0, "later": 200.0}


def test_a_pass_woken_by_an_event_looks_at_one_job_more_than_its_depth() -> None:
    of = nodes(9)
    config = replace(MAIN_ONLY, main_queue_depth=2, main_min_delay_s=1.0)
    arrivals = [job(i, submit_s=1.0) for i in range(5)]
    one = world(of, *arrivals, config=config)
    assert starts(one, until_s=59.0) == {0: 1.0, 1: 1.0, 2: 1.0}
    # The periodic pass walks the whole queue.
    assert starts(one, until_s=60.0) == {0: 1.0, 1: 1.0, 2: 1.0, 3: 60.0, 4: 60.0}


def test_a_job_of_a_closed_partition_costs_a_look_and_an_array_only_one() -> None:
    of = nodes(1, 9)
    one = world(
        of,
        running("busy", on={"n0": 1}, limit_s=1000.0),
        *(job(i, submit_s=1.0, array_id="array", fixed_priority=9) for i in range(5)),
        job("behind", submit_s=1.0, fixed_priority=8),
        job("second", submit_s=1.0, partitions=("q",), fixed_priority=2),
        job("third", submit_s=1.0, partitions=("q",), fixed_priority=1),
        partitions=(view(of, 0), view(of, 1, name="q")),
        config=replace(MAIN_ONLY, main_queue_depth=2, main_min_delay_s=1.0),
    )
    assert starts(one, until_s=60.0) == {"second": 1.0, "third": 60.0}


def test_a_job_that_a_limit_keeps_costs_a_look() -> None:
    config = replace(MAIN_ONLY, main_queue_depth=0, main_min_delay_s=1.0)
    one = world(
        nodes(9),
        running("mine", on={"n0": 2}, qos="small"),
        job("over", tasks=3, qos="small", submit_s=1.0, fixed_priority=9),
        job("other", submit_s=1.0, fixed_priority=1),
        qos=(Qos("small", max_tres_per_user={"cpu": 4}),),
        config=config,
    )
    assert starts(one, until_s=60.0) == {"other": 60.0}


def test_a_job_that_waits_for_jobs_blocks_though_a_reservation_is_in_its_way_too() -> None:
    one = world(
        nodes(4, 4),
        running("busy", on={"n1": 3}, limit_s=50.0),
        job("long", tasks=4, limit_s=500.0, fixed_priority=9),
        job("short", fixed_priority=1),
        reservations=(maintenance(100.0, 400.0, 0, count=2),),
        config=MAIN_ONLY,
    )
    assert reasons(one) == {"long": "Resources", "short": "Priority"}


@pytest.mark.parametrize(
    ("exclusive", "told"),
    [(False, {"wide": "ReqNodeNotAvail"}), (True, {"wide": "Resources", "short": "Priority"})],
)
def test_nodes_that_a_job_holds_whole_are_waited_for_even_if_too_few(
    exclusive: bool, told: dict[str, str]
) -> None:
    one = world(
        nodes(4, 4, 4),
        running("alone", on={"n1": 4}, limit_s=50.0, exclusive=exclusive),
        job("wide", nodes=3, tasks=3, limit_s=500.0, fixed_priority=9),
        job("short", fixed_priority=1),
        reservations=(maintenance(200.0, 400.0, 0, count=3),),
        config=MAIN_ONLY,
    )
    assert reasons(one) == told


def test_a_job_of_more_nodes_than_work_closes_its_partition() -> None:
    one = world(
        nodes(4, 4, 4, down=[2]),
        job("wide", nodes=3, tasks=3, fixed_priority=9),
        job("narrow", fixed_priority=1),
    )
    assert reasons(replace(one, config=MAIN_ONLY)) == {
        "wide": "ReqNodeNotAvail",
        "narrow": "Priority",
    }
    assert starts(one, until_s=0.0) == {"narrow": 0.0}  # by backfill


def test_partition_job_depth_skips_the_rest_of_the_partition() -> None:
    config = replace(MAIN_ONLY, partition_job_depth=1)
    assert starts(world(nodes(4), job(1), job(2), config=config), until_s=0.0) == {1: 0.0}


def test_a_submitted_job_waits_for_the_next_pass() -> None:
    config = replace(MAIN_ONLY, main_min_delay_s=3.0)
    one = world(nodes(9), job("wakes", submit_s=10.0), job("waits", submit_s=11.0), config=config)
    assert starts(one) == {"wakes": 10.0, "waits": 13.0}


def test_a_job_below_the_reserve_threshold_holds_nobody_back() -> None:
    config = replace(MAIN_ONLY, bf_min_prio_reserve=5)
    one = world(
        nodes(4),
        running("busy", on={"n0": 3}),
        job("wide", tasks=4, fixed_priority=4),
        job("narrow", fixed_priority=1),
        config=config,
    )
    assert starts(one, until_s=0.0) == {"narrow": 0.0}


def test_a_request_that_no_node_can_ever_meet_says_so_and_blocks_nobody() -> None:
    one = world(
        nodes(4, 8, down=[1]),
        job("huge", tasks=99, fixed_priority=9),
        job("down", tasks=8, fixed_priority=8, nodes=1),
        job("fits", fixed_priority=1),
        config=MAIN_ONLY,
    )
    assert reasons(one) == {"huge": "BadConstraints", "down": "ReqNodeNotAvail"}
    assert starts(one) == {"fits": 0.0}
