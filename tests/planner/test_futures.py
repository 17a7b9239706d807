"""Futures: what a replica leaves of itself, in memory and in bytes."""

from __future__ import annotations

import zlib
from dataclasses import fields
from io import BytesIO
from math import inf

import numpy as np
import pytest

from planner.arrivals import Arrivals, FutureJobs, PastSubmissions
from planner.ensemble import Past, run_batch
from planner.futures import Future, pack, unpack
from planner.sim.cluster import World
from planner.sim.config import PreemptionConfig, SchedulerConfig
from tests.sim.worlds import job, nodes, running, view, world

HORIZON_S = 1000.0


def futures_of(of: World, past: Past | None = None, replicas: int = 1) -> list[Future]:
    made: list[Future] = []
    run_batch(
        of,
        past or Past(),
        seed=0,
        replicas=range(replicas),
        horizon_s=HORIZON_S,
        on_future=made.append,
    )
    return made


def behind_one() -> World:
    return world(
        nodes(4, 2),
        running("busy", on={"n0": 4}, start_s=-40.0, run_s=70.0),
        job("next", tasks=3, limit_s=200.0),
    )


def test_a_future_tells_who_held_which_nodes_and_when() -> None:
    (future,) = futures_of(behind_one())
    busy, later = future.bars()
    assert (busy.key, busy.start_s, busy.end_s, busy.nodes) == ("busy", -40.0, 60.0, (0,))
    assert busy.priority == inf  # it ran at the origin
    assert (later.key, later.start_s, later.end_s, later.limit_s) == ("next", 60.0, 260.0, 200.0)
    assert (later.partition, later.user, later.account, later.qos) == ("p", "u", "a", "")
    assert (later.nodes, later.priority) == ((0,), 1.0)
    assert later.submit_s == -1000.0


def test_each_replica_leaves_one_in_order() -> None:
    assert [future.replica for future in futures_of(behind_one(), replicas=3)] == [0, 1, 2]


def test_a_cluster_on_which_nothing_waits_has_a_future_too() -> None:
    (future,) = futures_of(world(nodes(4), running("busy", on={"n0": 4})))
    assert [bar.key for bar in future.bars()] == ["busy"]
    assert future.known_until_s == HORIZON_S


def test_an_idle_cluster_has_an_empty_one() -> None:
    (future,) = futures_of(world(nodes(4)))
    assert len(future) == 0
    assert list(future.bars()) == []


def test_a_job_that_is_drawn_from_history_has_no_key() -> None:
    ago_s = np.arange(-86_400.0, 0.0, 200.0)
    arrivals = Arrivals.learn(PastSubmissions.of(ago_s), now_s=0.0)
    assert arrivals is not None
    templates = {row: job(f"past-{row}", limit_s=50.0) for row in range(ago_s.size)}
    (future,) = futures_of(world(nodes(4)), Past(arrivals=FutureJobs.of(arrivals, templates, {})))
    assert {bar.key for bar in future.bars()} == {None}


def test_a_job_that_was_preempted_has_a_row_for_each_run() -> None:
    both = nodes(4)
    config = SchedulerConfig(preemption=PreemptionConfig(), requeue_delay_s=10.0)
    of = world(
        both,
        running("victim", on={"n0": 4}, partitions=("low",), tasks=4, limit_s=500.0),
        job("urgent", tasks=4, partitions=("high",), limit_s=100.0),
        partitions=(view(both, name="low"), view(both, name="high", priority_tier=2)),
        config=config,
    )
    (future,) = futures_of(of)
    first, urgent, again = future.bars()
    assert (first.key, urgent.key, again.key) == ("victim", "urgent", "victim")
    assert first.end_s <= urgent.start_s < urgent.end_s <= again.start_s
    assert again.end_s - again.start_s == 500.0


def test_packed_futures_come_back_as_they_were() -> None:
    made = futures_of(behind_one(), replicas=2)
    back = unpack(pack(made))
    assert len(back) == 2
    for before, after in zip(made, back, strict=True):
        assert list(before.bars()) == list(after.bars())
        for field in fields(before.held):
            assert np.array_equal(getattr(before.held, field.name), getattr(after.held, field.name))
        assert (before.replica, before.horizon_s, before.known_until_s) == (
            after.replica, after.horizon_s, after.known_until_s,
        )  # fmt: skip


def test_no_futures_pack_too() -> None:
    assert unpack(pack([])) == []


def test_futures_of_another_version_are_refused() -> None:
    stored = BytesIO()
    np.savez(stored, head=np.frombuffer(b'{"version": 9, "futures": []}', dtype=np.uint8))
    with pytest.raises(ValueError, match="version 9"):
        unpack(zlib.compress(stored.getvalue()))
