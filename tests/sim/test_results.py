from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from planner.sim.cluster import Qos, Reservation
from planner.sim.results import PlannedStart, figures, plan, simulate
from tests.sim.worlds import FINE, job, nodes, running, view, world


def test_a_plan_gives_each_pending_job_a_start_or_says_why_not() -> None:
    of = nodes(4, 4)
    one = world(
        of,
        running("busy", on={"n0": 4}, run_s=10.0),
        job("wide", nodes=2, tasks=8, fixed_priority=9),
        job("small", fixed_priority=3, limit_s=99.0),
        job("held", held="JobHeldUser"),
        job("greedy", qos="q", tasks=2),
        partitions=(view(of),),
        qos=(Qos("q", max_tres_per_job={"cpu": 1}),),
    )
    found = plan(one, horizon_s=1000.0)
    assert found == {
        "wide": PlannedStart("wide", 100.0, ("n0", "n1"), "p", "Resources", never=False),
        "small": PlannedStart("small", 0.0, ("n1",), "p", "None", never=False),
        "held": PlannedStart("held", None, (), None, "JobHeldUser", never=True),
        "greedy": PlannedStart("greedy", None, (), None, "QOSMaxCpuPerJobLimit", never=True),
    }


def test_a_plan_lets_a_job_over_its_limit_end_after_kill_wait() -> None:
    one = world(nodes(4), running("late", on={"n0": 4}, start_s=-110.0), job("j"))
    assert plan(one, horizon_s=1000.0)["j"].start_s == 20.0


def test_a_plan_does_not_look_past_its_horizon() -> None:
    one = world(nodes(4), running("busy", on={"n0": 4}, limit_s=500.0), job("j"))
    assert plan(one, horizon_s=499.0)["j"].start_s is None
    assert plan(one, horizon_s=500.0)["j"].start_s == 500.0


def test_a_plan_leaves_out_later_submissions_but_lets_them_take_part() -> None:
    one = world(
        nodes(4),
        running("busy", on={"n0": 4}),
        job("low", tasks=4, fixed_priority=1),
        job("late", submit_s=50.0, tasks=4, fixed_priority=2),
    )
    assert {key: found.start_s for key, found in plan(one, 1000.0).items()} == {"low": 200.0}


def test_a_simulation_reports_every_job_in_order_of_its_end() -> None:
    one = world(nodes(4), job("a", run_s=70.0), job("b", run_s=30.0), job("c", submit_s=9000.0))
    assert [(e.job.key, e.end_s) for e in simulate(one, 100_000.0)] == [
        ("b", 30.0),
        ("a", 70.0),
        ("c", 9100.0),
    ]


def test_a_simulation_waits_for_a_reservation_to_end() -> None:
    closed = Reservation("maint", np.array([True]), 0.0, 7200.0)
    one = world(nodes(4), job("a"), reservations=(closed,))
    assert [(e.start_s, e.end_s) for e in simulate(one, 100_000.0)] == [(7200.0, 7300.0)]


def test_figures_of_a_run_worked_out_by_hand() -> None:
    one = world(
        nodes(4),
        job("a", submit_s=0.0, tasks=4, limit_s=100.0),
        job("b", submit_s=0.0, tasks=2, limit_s=300.0),
        config=replace(FINE, backfill=False),
    )
    found = figures(simulate(one, 1000.0), cluster_cpus=4)
    assert (found.jobs, found.mean_wait_s, found.median_wait_s) == (2, 50.0, 50.0)
    assert found.p95_wait_s == pytest.approx(95.0)
    assert found.mean_bounded_slowdown == pytest.approx((1 + 400 / 300) / 2)
    assert found.utilisation == pytest.approx((100 * 4 + 300 * 2) / (400 * 4))


def test_figures_of_nothing_are_unknown() -> None:
    found = figures([], cluster_cpus=4)
    assert (found.jobs, found.mean_wait_s, found.utilisation) == (0, None, None)
