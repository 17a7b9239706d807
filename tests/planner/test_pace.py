"""How often backfill looks in replicas of queues of different depths."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.ensemble import Past, paced_interval_s, run_batch
from planner.ensemble.pace import paced
from planner.sim.cluster import World
from tests.sim.worlds import job, nodes, running, world


def queue_of(count: int, site_s: float = 30.0) -> World:
    of = world(nodes(1), *(job(n, tasks=4) for n in range(count)))
    return replace(of, config=replace(of.config, bf_interval_s=site_s))


@pytest.mark.parametrize(
    ("waiting", "site_s", "interval_s"),
    [(300, 30.0, 30.0), (1000, 30.0, 100.0), (5000, 30.0, 300.0), (5000, 600.0, 600.0)],
)
def test_backfill_looks_less_often_at_a_deep_queue_but_never_more_often_than_the_site_has_it(
    waiting: int, site_s: float, interval_s: float
) -> None:
    assert paced_interval_s(queue_of(waiting, site_s)) == interval_s


def test_jobs_that_run_are_no_queue() -> None:
    of = queue_of(0)
    busy = [running(n, on={"n0": 1}, start_s=-1.0) for n in range(400)]
    assert paced_interval_s(replace(of, jobs=tuple(busy))) == of.config.bf_interval_s


@pytest.mark.parametrize(("waiting", "growth"), [(0, 0.0), (1000, 0.002), (9000, 0.01)])
def test_the_far_future_is_looked_at_less_often_the_deeper_the_queue(
    waiting: int, growth: float
) -> None:
    config = paced(queue_of(waiting), 60.0).config
    assert config.bf_interval_s == 60.0
    assert config.bf_interval_growth == pytest.approx(growth)
    assert config.main_delay_growth == pytest.approx(growth / 5)


def test_a_job_that_fills_a_gap_waits_for_the_next_look() -> None:
    """A node gets free after 70 s; "wide" waits for both, "narrow" fits before it."""
    of = world(
        nodes(4, 4),
        running("short", on={"n0": 4}, start_s=-30.0, limit_s=100.0),
        running("long", on={"n1": 4}, start_s=0.0, limit_s=5000.0),
        job("wide", nodes=2, tasks=8, limit_s=100.0),
        job("narrow", tasks=4, limit_s=1000.0, submit_s=0.0),
    )

    def start_of_narrow(interval_s: float | None) -> float:
        made = run_batch(
            of, Past(), seed=0, replicas=range(1), horizon_s=2000.0, bf_interval_s=interval_s
        )
        return float(made.start_s[0, made.keys.index("narrow")])

    site_s = start_of_narrow(None)
    assert site_s == start_of_narrow(of.config.bf_interval_s)
    assert site_s < start_of_narrow(300.0) <= 300.0
