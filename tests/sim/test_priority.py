from __future__ import annotations

from dataclasses import replace

import pytest

from planner.sim.cluster import Association, Partition, Qos
from planner.sim.config import PriorityConfig
from planner.sim.engine import Simulation
from planner.sim.priority import Factors, age_factor, priority, size_factor, tres_factors
from tests.sim.worlds import FINE, job, nodes, running, view, world

WEIGHTS = PriorityConfig(
    weight_age=1000,
    weight_fair_share=10000,
    weight_job_size=500,
    weight_partition=2000,
    weight_qos=5000,
    weight_tres={"cpu": 200, "mem": 100},
    max_age_s=7200,
)


def test_priority_is_the_truncated_sum_that_a_real_sprio_printed() -> None:
    # sprio -l of Slurm 22.05.8, job 351: 11300 = 216 + 8571 + 12 + 2000 + 500 + cpu=2.
    factors = Factors(
        age=1553 / 7200,
        fair_share=6 / 7,
        job_size=size_factor(1, 1, 22, 1024, favor_small=False),
        partition=1.0,
        qos=0.1,
        tres=tres_factors({"cpu": 1, "mem": 2000}, {"cpu": 128, "mem": 768_000}),
    )
    parts = factors.weighted(WEIGHTS)
    rounded = {name: round(part) for name, part in parts.items()}
    assert rounded == {
        "AGE": 216,
        "ASSOC": 0,
        "FAIRSHARE": 8571,
        "JOBSIZE": 12,
        "PARTITION": 2000,
        "QOS": 500,
        "cpu": 2,
        "mem": 0,
    }
    assert priority(sum(parts.values()), nice=0, site_factor=0) == 11300


def test_nice_lowers_and_the_floor_is_one_as_zero_means_held() -> None:
    assert priority(500.9, nice=100, site_factor=3) == 403
    assert priority(5.0, nice=100, site_factor=0) == 1
    assert priority(1e12, nice=0, site_factor=0) == 2**32 - 1


def test_age_grows_to_one_and_is_nothing_while_it_does_not_accrue() -> None:
    assert age_factor(100, 0, 400) == 0.25
    assert age_factor(900, 0, 400) == 1.0
    assert age_factor(100, 200, 400) == 0.0
    assert age_factor(100, None, 400) == 0.0


def test_size_favours_large_jobs_unless_told_otherwise() -> None:
    assert size_factor(2, 10, 4, 100, favor_small=False) == pytest.approx((0.5 + 0.1) / 2)
    assert size_factor(2, 10, 4, 100, favor_small=True) == pytest.approx((0.5 + 0.9) / 2)


def one_job_world(*partitions: Partition, **options: object) -> Simulation:
    of = nodes(4, 4)
    blocker = running("old", on={"n0": 4, "n1": 4}, limit_s=10_000.0)
    waiting = job("new", partitions=tuple(p.name for p in partitions), **options)
    simulation = Simulation(
        world(
            of,
            blocker,
            waiting,
            partitions=(view(of), *partitions),
            qos=(Qos("normal", 10), Qos("high", 100)),
            associations=(
                Association("root"),
                Association("a", parent="root"),
                Association("a", "u", priority=3),
            ),
            config=replace(FINE, priority=replace(WEIGHTS, weight_tres={}, weight_assoc=7)),
        )
    )
    simulation.run(0.0)
    return simulation


def test_one_priority_per_partition_with_its_own_job_factor() -> None:
    of = nodes(4, 4)
    simulation = one_job_world(
        view(of, name="low", job_factor=10), view(of, name="top", job_factor=40), qos="normal"
    )
    by_partition = {w.partition: w.priority for w in simulation.queue()}
    # age 1000/7200*1000, fair share 1, size (1/2 + 1/8)/2, QOS 10/100, association 3/3
    shared = 138.888 + 10000 + 156.25 + 500 + 7
    assert by_partition == {"low": int(shared + 500), "top": int(shared + 2000)}


def test_a_priority_set_by_an_administrator_does_not_age() -> None:
    simulation = one_job_world(view(nodes(4, 4), name="q"), fixed_priority=77)
    assert [w.priority for w in simulation.queue()] == [77]
    simulation.run(3000.0)
    assert [w.priority for w in simulation.queue()] == [77]


def test_age_shows_only_from_the_next_calc_period_on() -> None:
    simulation = one_job_world(view(nodes(4, 4), name="q"))
    first = simulation.queue()[0]
    simulation.run(299.0)
    assert simulation.queue()[0].factors == first.factors
    simulation.run(300.0)
    assert simulation.queue()[0].factors.age == pytest.approx(1300 / 7200)


def test_running_jobs_are_charged_and_decayed_every_calc_period() -> None:
    of = nodes(8)
    simulation = Simulation(
        world(
            of,
            running("r", on={"n0": 4}, limit_s=100_000.0, qos="half"),
            qos=(Qos("half", usage_factor=0.5),),
            partitions=(view(of, billing_weights={"cpu": 2.0}),),
            associations=(
                Association("root", usage=1000.0),
                Association("a", parent="root", usage=1000.0),
                Association("a", "u", usage=400.0),
            ),
            config=replace(FINE, priority=PriorityConfig(calc_period_s=60, decay_half_life_s=3600)),
        )
    )
    simulation.run(120.0)
    per_period = 4 * 2.0 * 0.5 * 60
    decay = (1 - 0.693 / 3600) ** 60
    user = ((400 + per_period) * decay + per_period) * decay
    root = ((1000 + per_period) * decay + per_period) * decay
    assert [share.usage for share in simulation.shares()] == pytest.approx([root, root, user])


def test_what_runs_at_the_origin_is_charged_from_the_last_calc_period_on() -> None:
    periods = PriorityConfig(calc_period_s=60, decay_half_life_s=0, last_calc_s=-45.0)
    simulation = Simulation(
        world(
            nodes(8),
            running("old", on={"n0": 1}, start_s=-500.0, limit_s=1000.0),
            running("new", on={"n0": 2}, start_s=-20.0),
            associations=(
                Association("root"),
                Association("a", parent="root"),
                Association("a", "u"),
            ),
            config=replace(FINE, priority=periods),
        )
    )
    simulation.run(15.0)
    assert simulation.shares()[-1].usage == 1 * 60 + 2 * 35


def test_usage_between_periods_changes_the_order_only_at_the_next_one() -> None:
    of = nodes(4)
    shares = (
        Association("root"),
        Association("a", parent="root"),
        Association("a", "heavy"),
        Association("a", "light"),
    )
    simulation = Simulation(
        world(
            of,
            running("r", on={"n0": 4}, user="heavy", limit_s=1000.0),
            job("h", user="heavy", tasks=4),
            job("l", user="light", tasks=4),
            associations=shares,
            config=replace(FINE, priority=WEIGHTS),
        )
    )
    simulation.run(0.0)
    assert [w.job.key for w in simulation.queue()] == ["h", "l"]
    simulation.run(300.0)
    assert [w.job.key for w in simulation.queue()] == ["l", "h"]
    assert [w.factors.fair_share for w in simulation.queue()] == [1.0, 0.5]
