from __future__ import annotations

import numpy as np
import pytest

from planner.sim.cluster import Reservation, World
from planner.sim.engine import Simulation
from planner.sim.jobs import Job
from tests.sim.worlds import job, nodes, reasons, starts, world


def maintenance(start_s: float, end_s: float, *indices: int, count: int = 1) -> Reservation:
    mask = np.zeros(count, dtype=np.bool_)
    mask[list(indices)] = True
    return Reservation("maint", mask, start_s, end_s)


def before_maintenance(*jobs: Job) -> World:
    return world(nodes(4), *jobs, reservations=(maintenance(100.0, 400.0, 0),))


@pytest.mark.parametrize(("limit_s", "start_s"), [(100.0, 0.0), (101.0, 400.0)])
def test_a_job_starts_before_maintenance_only_if_its_limit_ends_by_then(
    limit_s: float, start_s: float
) -> None:
    assert starts(before_maintenance(job("j", limit_s=limit_s))) == {"j": start_s}


def test_a_job_too_long_for_the_window_is_planned_behind_it_and_blocks_nobody() -> None:
    one = before_maintenance(
        job("long", limit_s=200.0, fixed_priority=9), job("short", fixed_priority=1)
    )
    simulation = Simulation(one)
    simulation.run(0.0)
    (waiting,) = simulation.queue()
    assert (waiting.job.key, waiting.reason) == ("long", "ReqNodeNotAvail")
    assert waiting.planned_start_s == 401.0  # as coded, a second after the end


def test_nodes_outside_the_maintenance_stay_in_use() -> None:
    one = world(
        nodes(4, 4),
        job("long", limit_s=500.0, tasks=4),
        job("next", limit_s=500.0, tasks=4),
        reservations=(maintenance(100.0, 400.0, 0, count=2),),
    )
    assert starts(one) == {"long": 0.0, "next": 400.0}


def test_a_job_of_a_reservation_waits_for_it_and_is_bound_to_its_nodes() -> None:
    mask = np.array([False, True])
    course = Reservation("course", mask, 100.0, 300.0)
    one = world(
        nodes(8, 2),
        job("inside", reservation="course", tasks=2),
        job("outside", limit_s=150.0, tasks=9),
        reservations=(course,),
    )
    assert reasons(one) == {"inside": "Reservation", "outside": "ReqNodeNotAvail"}
    seen = {}
    simulation = Simulation(one, on_start=lambda r: seen.update({r.job.key: r}))
    simulation.run(1000.0)
    assert seen["inside"].start_s == 100.0
    assert [share.node for share in seen["inside"].allocation] == ["n1"]
    assert seen["outside"].start_s == 300.0


def test_a_job_of_a_reservation_that_is_over_does_not_start() -> None:
    over = Reservation("course", np.array([True]), -500.0, -100.0)
    one = world(nodes(4), job("late", reservation="course"), reservations=(over,))
    assert reasons(one) == {"late": "ReservationInvalid"}


def test_jobs_of_a_reservation_go_first() -> None:
    open_now = Reservation("course", np.array([True, False]), -5.0, 500.0)
    one = world(
        nodes(4, 4),
        job("rich", tasks=4, fixed_priority=9),
        job("course", tasks=4, reservation="course", fixed_priority=1),
        reservations=(open_now,),
    )
    simulation = Simulation(one)
    simulation.run(0.0)
    assert [r.job.key for r in simulation.running()] == ["course", "rich"]


def test_a_node_that_only_the_plan_may_use_comes_back_after_kill_wait() -> None:
    of = nodes(4)
    of.usable_now[0] = False
    one = world(of, job("j"))
    simulation = Simulation(one)
    simulation.run(0.0)
    assert [w.planned_start_s for w in simulation.queue()] == [1.0]  # Slurm hopes for the best
    assert starts(one) == {"j": 30.0}
