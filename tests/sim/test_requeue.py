"""Jobs that go back to the queue: nodes that fail, and what a second start costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sim.config import PreemptionConfig, PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Dependency, Key
from planner.sim.results import plan, simulate
from planner.sim.views import EndedJob
from tests.sim.worlds import FINE, job, nodes, running, view, world


def test_the_jobs_of_a_node_that_fails_wait_again_and_start_elsewhere() -> None:
    in_vain: list[EndedJob] = []
    ended: list[EndedJob] = []
    of = world(nodes(4, 4), job("a", tasks=4, run_s=80.0), job("b", tasks=4, run_s=30.0))
    simulation = Simulation(of, on_end=ended.append, on_requeue=in_vain.append)
    simulation.run(10.0)
    simulation.fail_node("n0")
    (waiting,) = simulation.queue()
    assert (waiting.job.key, waiting.job.submit_s, waiting.eligible_s) == ("a", 10.0, 131.0)
    simulation.run(500.0)
    assert [(one.job.key, one.start_s, one.end_s, one.evicted) for one in in_vain] == [
        ("a", 0.0, 10.0, True)
    ]
    assert [(one.job.key, one.start_s, one.end_s) for one in ended] == [
        ("b", 0.0, 30.0),
        ("a", 180.0, 260.0),  # the periodic pass finds that it has become eligible
    ]
    assert [share.node for share in ended[1].allocation] == ["n1"]


def test_a_job_that_may_not_run_again_ends_with_its_node() -> None:
    ended: list[EndedJob] = []
    of = world(
        nodes(4, 4),
        job("a", tasks=4, requeues=False),
        job("child", dependencies=(Dependency("afterok", ("a",)),)),
    )
    simulation = Simulation(of, on_end=ended.append)
    simulation.run(10.0)
    simulation.fail_node("n0")
    simulation.run(500.0)
    assert [(one.job.key, one.end_s, one.evicted) for one in ended] == [("a", 10.0, True)]
    assert [one.never for one in simulation.queue()] == [True]


def test_nothing_is_planned_on_a_node_that_failed_until_it_is_back() -> None:
    simulation = Simulation(world(nodes(4), job("a", tasks=4, requeues=False)))
    simulation.run(10.0)
    simulation.fail_node("n0")
    simulation.submit(job("b", submit_s=10.0))
    simulation.run(70.0)
    assert [one.planned_start_s for one in simulation.queue()] == [None]
    simulation.return_node("n0")
    simulation.run(70.0)
    assert [(one.job.key, one.start_s) for one in simulation.running()] == [("b", 70.0)]


def test_a_node_that_no_one_knows_cannot_fail() -> None:
    with pytest.raises(KeyError, match="n9"):
        Simulation(world(nodes(4))).fail_node("n9")


def test_a_job_loses_its_age_and_its_place_but_not_its_key() -> None:
    ages = PriorityConfig(weight_age=1000, max_age_s=1000.0, calc_period_s=1e6)
    of = world(
        nodes(4, 4),
        running("a", on={"n0": 4}, tasks=4, submit_s=-900.0, age_from_s=-900.0),
        running("firm", on={"n1": 4}, limit_s=1000.0),
        job("b", tasks=4, submit_s=-100.0),
        config=replace(FINE, priority=ages),
    )
    simulation = Simulation(of)
    simulation.run(5.0)
    simulation.fail_node("n0")
    assert [(one.job.key, one.priority) for one in simulation.queue()] == [("b", 100), ("a", 1)]


def test_the_delay_before_a_second_start_is_the_sites_own() -> None:
    of = world(nodes(4), job("a", run_s=20.0), config=replace(FINE, requeue_delay_s=9.0))
    starts: list[float] = []
    simulation = Simulation(of, on_start=lambda one: starts.append(one.start_s))
    simulation.run(10.0)
    simulation.fail_node("n0")
    simulation.return_node("n0")
    simulation.run(100.0)
    assert starts == [0.0, 30.0]  # eligible from 20 on, which the next backfill cycle sees


def test_those_that_wait_for_its_end_wait_for_its_last_one() -> None:
    after: dict[Key, float] = {}
    of = world(
        nodes(4, 4),
        job("a", run_s=50.0),
        job("started", dependencies=(Dependency("after", ("a",)),)),
        job("ended", dependencies=(Dependency("afterany", ("a",)),)),
    )
    simulation = Simulation(of, on_start=lambda one: after.setdefault(one.job.key, one.start_s))
    simulation.run(10.0)
    assert [one.job.key for one in simulation.queue()] == ["ended"]
    simulation.fail_node("n0")
    simulation.return_node("n0")
    simulation.run(500.0)
    assert after == {"a": 0.0, "started": 0.0, "ended": 230.0}


def test_a_released_job_that_is_requeued_is_not_held_again() -> None:
    simulation = Simulation(world(nodes(4), job("a", held="JobHeldUser")))
    simulation.run(1.0)
    simulation.release("a")
    simulation.run(10.0)
    simulation.fail_node("n0")
    simulation.return_node("n0")
    simulation.run(200.0)
    assert [one.start_s for one in simulation.running()] == [180.0]


def test_a_requeued_job_can_be_cancelled_and_does_not_come_back() -> None:
    simulation = Simulation(world(nodes(4), job("a")))
    simulation.run(10.0)
    simulation.fail_node("n0")
    simulation.cancel("a")
    simulation.return_node("n0")
    simulation.run(500.0)
    assert (simulation.queue(), simulation.running()) == ([], [])


def test_a_planned_start_is_the_first_and_a_whole_run_counts_the_last() -> None:
    of = nodes(4)
    one = world(
        of,
        job("low", tasks=4),
        job("high", tasks=4, partitions=("q",), submit_s=10.0),
        partitions=(view(of), view(of, name="q", priority_tier=2)),
        config=replace(FINE, preemption=PreemptionConfig()),
    )
    assert plan(one, 1000.0)["low"].start_s == 0.0
    assert [(e.job.key, e.start_s, e.end_s) for e in simulate(one, 1000.0)] == [
        ("high", 10.0, 110.0),
        ("low", 180.0, 280.0),  # the first periodic pass after the 131 s of a requeued job
    ]
