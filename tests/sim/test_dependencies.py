from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Dependency, Job
from tests.sim.worlds import FINE, job, nodes, reasons, running, starts, world


def child(kind: str, *keys: str) -> Job:
    return job("child", dependencies=(Dependency(kind, keys),))


@pytest.mark.parametrize(
    ("kind", "start_s"), [("after", 50.0), ("afterany", 150.0), ("afterok", 150.0)]
)
def test_a_child_starts_when_its_parent_has_started_or_ended(kind: str, start_s: float) -> None:
    one = world(
        nodes(4),
        running("busy", on={"n0": 4}, limit_s=50.0),
        job("parent"),
        child(kind, "parent"),
    )
    assert reasons(one)["child"] == "Dependency"
    assert starts(one)["child"] == start_s


def test_a_parent_that_failed_lets_afternotok_go_and_afterok_never() -> None:
    bad = running("bad", on={"n0": 1}, limit_s=50.0, succeeds=False)
    assert starts(world(nodes(4), bad, child("afternotok", "bad"))) == {"child": 50.0}
    simulation = Simulation(world(nodes(4), bad, child("afterok", "bad")))
    simulation.run(1000.0)
    (waiting,) = simulation.queue()
    assert (waiting.reason, waiting.never) == ("DependencyNeverSatisfied", True)
    assert not simulation.may_start()


def test_all_dependencies_have_to_hold() -> None:
    one = world(
        nodes(4),
        running("a", on={"n0": 1}, limit_s=50.0),
        running("b", on={"n0": 1}, limit_s=80.0),
        child("afterok", "a", "b"),
    )
    assert starts(one) == {"child": 80.0}


def test_a_parent_that_the_world_does_not_know_is_over_and_well() -> None:
    assert starts(world(nodes(4), child("afterok", "gone"))) == {"child": 0.0}


def test_a_chain_runs_link_by_link() -> None:
    links = [job(i, dependencies=(Dependency("afterok", (i - 1,)),) if i else ()) for i in range(4)]
    assert starts(world(nodes(9), *reversed(links))) == {0: 0.0, 1: 100.0, 2: 200.0, 3: 300.0}


def test_a_cancelled_parent_counts_as_ended_and_failed() -> None:
    one = world(
        nodes(1), running("busy", on={"n0": 1}, limit_s=50.0), job("p"), child("afterany", "p")
    )
    simulation = Simulation(one)
    simulation.run(10.0)
    simulation.cancel("p")
    simulation.run(50.0)
    assert [r.job.key for r in simulation.running()] == ["child"]


def test_age_counts_from_the_moment_the_dependency_is_met() -> None:
    one = world(
        nodes(1),
        running("parent", on={"n0": 1}, limit_s=50.0),
        running("busy", on={"n0": 0}, limit_s=900.0),
        child("afterany", "parent"),
        job("wide", tasks=1, limit_s=900.0),
        config=replace(FINE, priority=PriorityConfig(weight_age=1000, max_age_s=1000)),
    )
    simulation = Simulation(one)
    simulation.run(300.0)
    (waiting,) = simulation.queue()
    assert waiting.job.key == "child"
    assert waiting.factors.age == pytest.approx(0.25)


def test_a_job_is_not_eligible_before_its_begin_time() -> None:
    one = world(nodes(4), job("later", eligible_s=75.0))
    assert reasons(one) == {"later": "BeginTime"}
    assert starts(one) == {"later": 120.0}  # the periodic pass finds it


def test_an_array_runs_no_more_tasks_at_once_than_its_throttle() -> None:
    tasks = [job(("arr", i), array_id="arr", array_throttle=2) for i in range(5)]
    one = world(nodes(9), *tasks)
    assert set(reasons(one).values()) == {"JobArrayTaskLimit"}
    assert list(starts(one).values()) == [0.0, 0.0, 100.0, 100.0, 200.0]


def test_an_unknown_kind_of_dependency_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'afterwards'"):
        Simulation(world(nodes(4), job("p"), child("afterwards", "p")))
