"""Which jobs are preempted, and where a plan takes them as gone."""

from __future__ import annotations

import pytest

from planner.sim.cluster import Qos, World
from planner.sim.engine import Simulation
from planner.sim.jobs import Key
from tests.sim.tiers import evicted_of, high, log_of, low, rules, two_tiers
from tests.sim.worlds import job, nodes, running, view, world


def test_the_least_tier_goes_first_and_then_the_job_on_the_fewest_nodes() -> None:
    of = nodes(2, 2, 2, 2)
    partitions = (
        view(of, name="least"),
        view(of, name="less", priority_tier=2),
        view(of, name="high", priority_tier=3),
    )
    one = world(
        of,
        running("small", on={"n0": 2}, partitions=("less",)),
        running("wide", on={"n1": 2, "n2": 2}, partitions=("least",)),
        running("narrow", on={"n3": 2}, partitions=("least",)),
        high("new", tasks=2, nodes=1),
        partitions=partitions,
        config=rules(),
    )
    assert evicted_of(one) == ["narrow"]


def test_the_youngest_goes_first_where_the_site_says_so() -> None:
    jobs = (
        low("old", on={"n0": 2}, start_s=-50.0),
        low("young", on={"n1": 2}, start_s=-10.0),
        low("older", on={"n2": 2}, start_s=-90.0),
        high("new", tasks=2, nodes=1),
    )
    assert evicted_of(two_tiers(nodes(2, 2, 2), *jobs)) == ["old"]
    youngest = rules(youngest_first=True)
    assert evicted_of(two_tiers(nodes(2, 2, 2), *jobs, config=youngest)) == ["young"]


def test_the_one_without_which_nothing_fits_is_tried_alone() -> None:
    """Taken in turn, a and b would go too; but the room comes from c."""
    of = two_tiers(
        nodes(4, 4),
        low("a", on={"n0": 1}),
        low("b", on={"n0": 1}),
        running("firm", on={"n0": 2}, partitions=("high",)),
        low("c", on={"n1": 4}),
        high("new", tasks=4, nodes=1),
    )
    assert evicted_of(of) == ["c"]


@pytest.mark.parametrize(("strict", "evicted"), [(False, ["y", "z"]), (True, ["x", "y", "z"])])
def test_jobs_on_more_of_the_chosen_nodes_come_next_unless_the_order_is_strict(
    strict: bool, evicted: list[Key]
) -> None:
    """All of x, y, z are taken away before 6 CPUs on both nodes are free. Next comes z, and then y,
    which is on two of the chosen nodes; in strict order x, with which one CPU is still missing.
    """
    of = two_tiers(
        nodes(6, 2),
        low("x", on={"n0": 2}),
        low("y", on={"n0": 2, "n1": 1}),
        low("z", on={"n0": 2, "n1": 1}),
        high("new", tasks=6, nodes=2),
        config=rules(strict_order=strict, reorder_count=0),
    )
    assert sorted(map(str, evicted_of(of))) == evicted


def backfilled(limit_s: float) -> World:
    """The first of the high tier waits for two nodes until 100; the second wants one of them."""
    return two_tiers(
        nodes(4, 4),
        running("firm", on={"n0": 4}, partitions=("high",)),
        low("old", on={"n1": 4}, limit_s=1000.0),
        high("wide", nodes=2, tasks=8, submit_s=-20.0),
        high("short", tasks=4, submit_s=-10.0, limit_s=limit_s),
    )


def test_a_short_job_preempts_in_front_of_one_that_is_planned_there() -> None:
    """The main scheduler stops at the wide job, so it starts in the next cycle of backfill."""
    assert log_of(backfilled(limit_s=60.0), 99.0)[:2] == [
        (0.0, "requeued", "old"),
        (30.0, "started", "short"),
    ]


def test_a_job_that_would_delay_a_planned_one_preempts_nobody() -> None:
    assert log_of(backfilled(limit_s=150.0), 100.0) == [
        (100.0, "ended", "firm"),
        (100.0, "requeued", "old"),
        (100.0, "started", "wide"),
    ]


def test_the_plan_of_a_preemptor_takes_preemptable_jobs_as_gone() -> None:
    simulation = Simulation(backfilled(limit_s=150.0))
    simulation.run(0.0)
    planned = {one.job.key: one.planned_start_s for one in simulation.queue()}
    assert planned == {"wide": 100.0, "short": 200.0}


def test_a_limit_keeps_a_job_from_preempting() -> None:
    of = two_tiers(
        nodes(4),
        low("old", on={"n0": 4}),
        high("new", tasks=2, exclusive=True, qos="small"),
        qos=(Qos("small", max_tres_per_job={"cpu": 3}),),
    )
    assert evicted_of(of, 90.0) == []


def test_each_task_of_an_array_preempts_for_itself() -> None:
    jobs = [low(f"old{i}", on={f"n{i}": 4}, limit_s=1000.0) for i in range(3)]
    tasks = [high(("array", i), tasks=4, nodes=1, array_id="array") for i in range(2)]
    of = two_tiers(nodes(4, 4, 4), *jobs, *tasks)
    log = log_of(of, 90.0)
    assert [key for _, what, key in log if what == "started"] == [("array", 0), ("array", 1)]
    assert evicted_of(of, 90.0) == ["old0", "old1"]


def test_a_job_of_two_partitions_preempts_in_one() -> None:
    of = nodes(4, 4)
    partitions = (
        view(of, name="low"),
        view(of, 0, name="high", priority_tier=3),
        view(of, 1, name="higher", priority_tier=4),
    )
    one = world(
        of,
        low("a", on={"n0": 4}, limit_s=1000.0),
        low("b", on={"n1": 4}, limit_s=1000.0),
        job("new", partitions=("high", "higher"), tasks=4),
        partitions=partitions,
        config=rules(),
    )
    assert evicted_of(one, 90.0) == ["b"]
