"""Hypothetical jobs fitted into the futures of small worlds, against what insertion gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from planner.ensemble import Past, asked_run, run_batch
from planner.futures import Fitter, Future, Recording
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.sim.cluster import Association, Qos, Reservation, World
from planner.sim.engine import Simulation
from planner.sim.jobs import Job
from tests.sim.worlds import job, nodes, running, starts, view, world

HORIZON_S = 2000.0


def probe(**options: object) -> Job:
    """Submitted at the origin."""
    return job("probe", **{"submit_s": 0.0, **options})  # type: ignore[arg-type]


def future_of(of: World) -> Future:
    """As the jobs say: they end when they do, not at their limits."""
    recording = Recording(of)
    simulation = Simulation(
        of, on_start=recording.note_start, on_end=recording.note_end, keeps_plan=False
    )
    recording.note_running(simulation.running())
    simulation.run(HORIZON_S)
    return recording.future(0, HORIZON_S, HORIZON_S)


def fitted(
    of: World, asked: Job, *, limits_s: Sequence[float] | None = None, submit_s: float = 0.0
) -> list[float]:
    (found,) = Fitter(of, [future_of(of)]).starts(asked, limits_s=limits_s, submit_s=submit_s)
    return [float(one) for one in found]


def inserted(of: World, asked: Job) -> list[float]:
    return [starts(replace(of, jobs=(*of.jobs, asked)), HORIZON_S).get(asked.key, inf)]


def test_a_job_that_fits_starts_at_once() -> None:
    of = world(nodes(4, 4), running("busy", on={"n0": 4}))
    assert fitted(of, probe(tasks=4)) == [0.0]


def test_in_each_future_it_starts_when_the_nodes_it_waits_for_are_free() -> None:
    of = world(nodes(4), running("busy", on={"n0": 4}, start_s=-40.0), job("next", tasks=4))
    ran = [
        Ran("u", "a", "", "p", 1.0, 100.0, start_s=-5000.0 + at, end_s=-5000.0 + at + run_s)
        for at, run_s in enumerate(range(30, 60))
    ]
    runs = RunTimes.learn(PastRuns.of(ran), now_s=0.0)
    past = Past(runs, asked={one.key: asked_run(one, of) for one in of.jobs})
    futures: list[Future] = []
    run_batch(of, past, seed=0, replicas=range(8), horizon_s=HORIZON_S, on_future=futures.append)
    found = Fitter(of, futures).starts(probe(tasks=4))
    assert found.shape == (8, 1)
    assert len(set(found[:, 0].tolist())) > 4
    one_more = replace(of, jobs=(*of.jobs, probe(tasks=4)))
    truth = run_batch(one_more, past, seed=0, replicas=range(8), horizon_s=HORIZON_S, of=("probe",))
    assert found[:, 0].tolist() == truth.start_s[:, 0].tolist()


def test_jobs_of_higher_rank_go_first_and_those_of_lower_rank_give_way() -> None:
    pair = nodes(4)
    of = world(
        pair,
        running("busy", on={"n0": 4}, limit_s=50.0),
        job("other", tasks=4, limit_s=200.0),
        partitions=(view(pair), view(pair, name="first", priority_tier=2)),
    )
    behind, before = probe(tasks=4), probe(tasks=4, partitions=("first",))
    assert fitted(of, behind) == inserted(of, behind) == [250.0]
    assert fitted(of, before) == inserted(of, before) == [50.0]


def test_a_gap_takes_what_is_short_enough() -> None:
    of = world(
        nodes(4, 4),
        running("busy", on={"n0": 4}, limit_s=300.0),
        job("wide", nodes=2, tasks=2, cpus_per_task=4, limit_s=500.0),
    )
    assert fitted(of, probe(tasks=4), limits_s=[100.0, 299.0, 301.0]) == [0.0, 0.0, 800.0]
    assert inserted(of, probe(tasks=4, limit_s=299.0)) == [0.0]
    assert inserted(of, probe(tasks=4, limit_s=301.0)) == [800.0]


def test_nodes_planned_for_it_are_kept_from_those_of_lower_rank() -> None:
    of = world(
        nodes(4, 4),
        running("busy", on={"n0": 4}, limit_s=100.0),
        running("short", on={"n1": 4}, limit_s=50.0),
        job("low", tasks=4, limit_s=300.0, nice=99, fixed_priority=1),
    )
    wide = probe(nodes=2, tasks=2, cpus_per_task=4, fixed_priority=2)
    assert fitted(of, wide) == inserted(of, wide) == [100.0]
    assert fitted(of, replace(wide, fixed_priority=1)) == [350.0]


def test_it_takes_the_gap_that_one_of_lower_rank_has_found() -> None:
    """Wide starts at 300, as busy ends early; who looks at 100 expects it at 1000."""
    of = world(
        nodes(4, 4),
        running("busy", on={"n0": 4}, limit_s=1000.0, run_s=300.0),
        running("short", on={"n1": 4}, limit_s=100.0),
        job("wide", nodes=2, tasks=2, cpus_per_task=4, limit_s=200.0, fixed_priority=3),
        job("low", tasks=4, limit_s=400.0, run_s=150.0, fixed_priority=1),
    )
    asked = probe(tasks=4, limit_s=400.0, fixed_priority=2)
    assert fitted(of, asked) == inserted(of, asked) == [100.0]


def test_several_limits_at_once_are_what_each_is_alone() -> None:
    of = random_world(np.random.default_rng(5))
    limits_s = [20.0, 100.0, 250.0, 600.0]
    together = fitted(of, probe(tasks=3), limits_s=limits_s)
    assert together == [fitted(of, probe(tasks=3, limit_s=one))[0] for one in limits_s]
    assert len(set(together)) > 1


def test_a_job_ends_before_a_maintenance_or_starts_after_it() -> None:
    both = nodes(4, 4)
    repairs = Reservation("repairs", np.array([True, True]), start_s=400.0, end_s=900.0)
    of = world(both, reservations=(repairs,))
    assert fitted(of, probe(), limits_s=[400.0, 401.0]) == [0.0, 900.0]


def test_a_limit_lets_it_through_when_others_have_ended() -> None:
    one_each = Qos("one", max_jobs_per_user=1)
    of = world(
        nodes(4),
        running("first", on={"n0": 1}, qos="one", limit_s=70.0),
        job("second", qos="one", limit_s=100.0),
        qos=(one_each,),
    )
    assert fitted(of, probe(qos="one")) == inserted(of, probe(qos="one")) == [170.0]
    assert fitted(of, probe(qos="one", user="v")) == [0.0]


def test_a_limit_of_an_account_counts_all_below_it() -> None:
    tree = (
        Association("root"),
        Association("a", parent="root", grp_tres={"cpu": 4}),
        Association("a", user="u", parent="a"),
        Association("a", user="v", parent="a"),
        Association("b", parent="root"),
        Association("b", user="u", parent="b"),
    )
    of = world(nodes(8), running("theirs", on={"n0": 3}, user="v", limit_s=60.0), associations=tree)
    assert fitted(of, probe(tasks=2)) == [60.0]
    assert fitted(of, probe(tasks=1)) == [0.0]
    assert fitted(of, probe(tasks=2, account="b")) == [0.0]


def test_a_job_of_later_finds_those_that_started_before_it() -> None:
    of = world(nodes(4), running("busy", on={"n0": 4}, limit_s=50.0), job("low", tasks=4, nice=99))
    assert fitted(of, probe(tasks=4, nice=-9)) == [50.0]
    assert fitted(of, probe(tasks=4, nice=-9), submit_s=60.0) == [150.0]
    assert fitted(of, probe(tasks=4), submit_s=500.0) == [500.0]
    assert fitted(of, probe(tasks=4, eligible_s=700.0)) == [700.0]


def test_what_is_submitted_later_does_not_keep_it_from_starting() -> None:
    both = nodes(4)
    of = world(
        both,
        running("busy", on={"n0": 4}, limit_s=50.0),
        job("later", tasks=4, submit_s=80.0, partitions=("first",)),
        job("last", tasks=4, submit_s=1900.0),
        partitions=(view(both), view(both, name="first", priority_tier=2)),
    )
    asked = probe(tasks=4, limit_s=1000.0)
    assert fitted(of, asked) == inserted(of, asked) == [50.0]


def test_a_start_beyond_the_horizon_is_infinite() -> None:
    of = world(nodes(4), running("busy", on={"n0": 4}, limit_s=HORIZON_S + 1))
    assert fitted(of, probe()) == [inf]


def test_what_waiting_alone_does_not_start_has_no_start() -> None:
    four = nodes(4)
    of = world(four, partitions=(view(four, max_s=100.0), view(four, name="down", up=False)))
    assert np.isnan(fitted(of, probe(tasks=5))).all()
    assert np.isnan(fitted(of, probe(mem_mib_per_node=64_001, nodes=1))).all()
    assert np.isnan(fitted(of, probe(held="JobHeldUser"))).all()
    assert np.isnan(fitted(of, probe(partitions=("down",)))).all()
    by_limit = fitted(of, probe(), limits_s=[100.0, 101.0])
    assert by_limit[0] == 0.0
    assert np.isnan(by_limit[1])


def test_of_several_partitions_the_soonest_counts() -> None:
    pair = nodes(4, 4)
    of = world(
        pair,
        running("left", on={"n0": 4}, limit_s=90.0, partitions=("l",)),
        running("right", on={"n1": 4}, limit_s=40.0, partitions=("r",)),
        partitions=(view(pair, 0, name="l"), view(pair, 1, name="r")),
    )
    assert fitted(of, probe(partitions=("l", "r"))) == [40.0]


@pytest.mark.parametrize(
    ("asked", "start_s"),
    [
        (probe(tasks=6), 30.0),  # over two nodes, as no count is given
        (probe(tasks=9), 60.0),
        (probe(nodes=3, tasks=3), 60.0),
        (probe(nodes=2, tasks=2), 30.0),
        (probe(exclusive=True, nodes=1), 30.0),
        (probe(mem_mib_per_node=None, nodes=1), 0.0),  # those that run hold none
        (probe(gpus_per_node={"a": 2}, nodes=1), 60.0),
        (probe(gpus_per_node={"": 1}, nodes=2, tasks=2), 60.0),
        (probe(gpus_per_job={"a": 3}), 60.0),
        (probe(required_nodes=("n2",), nodes=1), 60.0),
        (probe(excluded_nodes=frozenset({"n0"}), nodes=1), 30.0),
    ],
)
def test_each_form_of_request_waits_for_what_it_needs(asked: Job, start_s: float) -> None:
    """n0 has two of four CPUs in use and none of its GPUs; n1 and n2 are full until 30 and 60 s."""
    of = world(
        nodes(4, 4, 4, gpus={"a": (1, 0, 2)}),
        running("part", on={"n0": 2}, limit_s=900.0),
        running("short", on={"n1": 4}, limit_s=30.0),
        running("long", on={"n2": 4}, limit_s=60.0),
    )
    assert fitted(of, asked) == inserted(of, asked) == [start_s]


def test_a_node_that_comes_back_is_not_there_yet() -> None:
    two = nodes(4, 4)
    coming = replace(two, usable_now=np.array([False, False]))
    of = world(replace(coming, usable_in_plan=np.array([True, False])))
    assert fitted(of, probe()) == inserted(of, probe()) == [30.0]
    assert np.isnan(fitted(of, probe(nodes=2, tasks=2))).all()


def test_most_fits_in_crowded_worlds_are_what_insertion_gives() -> None:
    rng = np.random.default_rng(3)
    apart_s = []
    for _ in range(50):
        of = random_world(rng)
        asked = probe(
            tasks=int(rng.integers(1, 9)),
            limit_s=float(rng.choice([50.0, 200.0])),
            nice=int(rng.integers(-5, 6)),
        )
        (truth_s,) = np.minimum(inserted(of, asked), HORIZON_S)
        (found_s,) = np.minimum(fitted(of, asked), HORIZON_S)
        apart_s.append(abs(found_s - truth_s))
    assert np.mean(np.array(apart_s) <= 30.0) >= 0.7


def random_world(rng: np.random.Generator) -> World:
    """Three nodes, all busy; twelve jobs wait, six are to come. All end before their limits."""
    jobs = [
        running(f"r{n}", on={f"n{n}": 4}, limit_s=300.0, run_s=float(rng.integers(10, 300)))
        for n in range(3)
    ]
    for n in range(18):
        limit_s = float(rng.choice([50.0, 200.0, 400.0]))
        jobs.append(
            job(
                f"w{n}",
                submit_s=-1000.0 + n if n < 12 else float(rng.integers(1, 900)),
                tasks=int(rng.integers(1, 9)),
                limit_s=limit_s,
                run_s=float(rng.integers(5, limit_s)),
                nice=int(rng.integers(-5, 6)),
            )
        )
    return world(nodes(4, 4, 4), *jobs)
