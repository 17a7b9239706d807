from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest

from planner.sim.cluster import Association
from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.jobs import Dependency, NodeShare
from planner.sim.views import EndedJob, RunningJob
from tests.sim.worlds import FINE, job, nodes, running, starts, world


def test_the_scheduler_plans_with_limits_while_jobs_end_at_their_run_times() -> None:
    one = world(
        nodes(4), running("early", on={"n0": 4}, run_s=40.0), job("next"), job("last", run_s=10.0)
    )
    simulation = Simulation(one)
    simulation.run(0.0)
    assert [w.planned_start_s for w in simulation.queue()] == [100.0, 200.0]
    assert starts(one) == {"next": 40.0, "last": 40.0}


def test_ended_jobs_tell_who_held_what_and_when() -> None:
    started: list[RunningJob] = []
    ended: list[EndedJob] = []
    one = world(nodes(4, gpus={"a100": [2]}), job("j", run_s=25.0, gpus_per_node={"a100": 1}))
    simulation = Simulation(one, on_start=started.append, on_end=ended.append)
    simulation.run(30.0)
    share = NodeShare("n0", 1, 0, {"a100": 1})
    assert [(s.start_s, s.limit_s, s.allocation) for s in started] == [(0.0, 100.0, (share,))]
    assert [(e.job, e.partition, e.start_s, e.end_s, e.allocation) for e in ended] == [
        (one.jobs[0], "p", 0.0, 25.0, (share,))
    ]


def test_how_a_job_ended_is_forgotten_after_the_retention() -> None:
    failed = job("j", run_s=10.0, succeeds=False)
    simulation = Simulation(world(nodes(4), failed), retention_s=600.0)
    needs_it = (Dependency("afterok", ("j",)),)
    simulation.run(600.0)
    simulation.submit(job("early", submit_s=600.0, dependencies=needs_it))
    simulation.run(1000.0)
    simulation.submit(job("late", submit_s=1000.0, dependencies=needs_it))
    simulation.run(1001.0)
    assert [one.reason for one in simulation.queue()] == ["DependencyNeverSatisfied"]
    assert [one.job.key for one in simulation.running()] == ["late"]


def test_a_job_submitted_between_runs_starts_at_the_next_pass() -> None:
    simulation = Simulation(world(nodes(4), config=replace(FINE, main_min_delay_s=3.0)))
    simulation.run(50.5)
    simulation.submit(job("now", submit_s=50.5))
    simulation.submit(job("future", submit_s=80.0))
    simulation.run(80.0)
    assert [(r.job.key, r.start_s) for r in simulation.running()] == [
        ("now", 51.0),  # when the controller looks
        ("future", 80.0),
    ]


def test_cancel_frees_what_a_running_job_held() -> None:
    ended: list[EndedJob] = []
    simulation = Simulation(world(nodes(4), job("a", tasks=4), job("b")), on_end=ended.append)
    simulation.run(10.0)
    simulation.cancel("a")
    simulation.run(20.0)
    assert [(r.job.key, r.start_s) for r in simulation.running()] == [("b", 10.0)]
    assert [(e.job.key, e.end_s, e.cancelled) for e in ended] == [("a", 10.0, True)]
    simulation.run(105.0)  # the end that was due does nothing
    assert [use.cpus for use in simulation.nodes()] == [1]


def test_cancel_takes_a_pending_job_out_of_the_queue() -> None:
    ended: list[EndedJob] = []
    simulation = Simulation(world(nodes(4), job("a", tasks=4), job("b")), on_end=ended.append)
    simulation.run(10.0)
    simulation.cancel("b")
    assert simulation.queue() == []
    assert [(e.job.key, e.start_s, e.cancelled) for e in ended] == [("b", None, True)]
    with pytest.raises(KeyError):
        simulation.cancel("b")


def test_a_held_job_starts_only_after_its_release() -> None:
    simulation = Simulation(world(nodes(4), job("held", held="JobHeldAdmin"), job("free", tasks=4)))
    simulation.run(10.0)
    (waiting,) = simulation.queue()
    assert (waiting.reason, waiting.priority, waiting.never) == ("JobHeldAdmin", 0, True)
    simulation.release("held")
    simulation.run(11.0)
    assert [w.reason for w in simulation.queue()] == ["Resources"]
    simulation.hold("held")
    simulation.run(150.0)
    assert [w.reason for w in simulation.queue()] == ["JobHeldUser"]
    simulation.release("held")
    simulation.run(151.0)
    assert [r.start_s for r in simulation.running()] == [150.0]


def test_node_use_counts_what_jobs_hold() -> None:
    of = nodes(4, 8, gpus={"a100": [2, 2], "v100": [0, 1]})
    held = (NodeShare("n1", 3, 500, {"a100": 1}),)
    simulation = Simulation(world(of, job("r", start_s=-5.0, allocation=held)))
    idle, used = simulation.nodes()
    assert (idle.cpus, idle.mem_mib, idle.gpus, idle.jobs) == (0, 0, {"a100": 0, "v100": 0}, 0)
    assert (used.cpus, used.mem_mib, used.gpus, used.jobs) == (3, 500, {"a100": 1, "v100": 0}, 1)


def test_the_share_tree_is_shown_in_the_worlds_order() -> None:
    tree = (
        Association("root", usage=8.0),
        Association("a", parent="root", usage=8.0),
        Association("a", "u", usage=8.0),
    )
    root, account, user = Simulation(world(nodes(4), associations=tree)).shares()
    assert (root.association, root.fair_share) == (tree[0], None)
    assert (account.usage, account.level_fs) == (8.0, 1.0)
    assert (user.usage, user.fair_share) == (8.0, 1.0)


def test_the_same_world_gives_the_same_starts_and_looking_changes_nothing() -> None:
    jobs = [job(i, tasks=1 + i % 4, limit_s=50.0 + 13 * i, run_s=20.0 + 7 * i) for i in range(20)]
    one = world(nodes(4, 4), *jobs)
    looked: dict[object, float] = {}
    simulation = Simulation(one, on_start=lambda r: looked.update({r.job.key: r.start_s}))
    for second in range(0, 3000, 7):
        simulation.run(float(second))
        simulation.queue()
        simulation.shares()
    assert looked == starts(one) == starts(one)
    assert len(looked) == 20


@pytest.mark.parametrize(("now_s", "submit_s"), [(882.48, 5113.47), (20.82, 110.14)])
def test_no_rounding_error_brings_a_job_before_its_submission(
    now_s: float, submit_s: float
) -> None:
    assert now_s + (submit_s - now_s) < submit_s  # what a clock that adds delays would reach
    config = replace(FINE, priority=PriorityConfig(calc_period_s=1e7))
    simulation = Simulation(world(nodes(4), config=config))
    simulation.run(now_s)
    simulation.submit(job("j", submit_s=submit_s))
    simulation.run(submit_s + 1.0)
    assert [one.start_s for one in simulation.running()] == [ceil(submit_s)]


def test_a_key_may_come_back_after_its_job_has_ended() -> None:
    simulation = Simulation(world(nodes(4), job("j", run_s=10.0)), retention_s=60.0)
    simulation.run(20.0)
    simulation.submit(job("j", submit_s=20.0, run_s=5000.0, limit_s=6000.0))
    simulation.run(1000.0)  # the first one is forgotten by now
    after = job("child", submit_s=1000.0, dependencies=(Dependency("afterany", ("j",)),))
    simulation.submit(after)
    simulation.run(2000.0)
    assert [waiting.reason for waiting in simulation.queue()] == ["Dependency"]


def test_time_does_not_run_back() -> None:
    simulation = Simulation(world(nodes(4)))
    simulation.run(100.0)
    simulation.run(50.0)
    assert simulation.now_s == 100.0


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"partitions": ("nowhere",)}, "'j' names partition 'nowhere'"),
        ({"reservation": "r"}, "'j' names reservation 'r'"),
        ({"required_nodes": ("n9",)}, "'j' names node 'n9'"),
        ({"partitions": ()}, "'j' names no partition"),
    ],
)
def test_a_job_that_names_what_is_not_there_is_refused_by_name(
    names: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        world(nodes(4), job("j", **names))
    simulation = Simulation(world(nodes(4)))
    with pytest.raises(ValueError, match=message):
        simulation.submit(job("j", **names))
    assert simulation.queue() == []


def test_a_key_is_in_the_cluster_only_once() -> None:
    with pytest.raises(ValueError, match="'j' is listed twice"):
        world(nodes(4), job("j"), job("j"))
    simulation = Simulation(world(nodes(4), job("j")))
    with pytest.raises(ValueError, match="'j' is already in the cluster"):
        simulation.submit(job("j"))
