"""Prices in columns against prices one by one: the same to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from planner.sim.admission import Admission
from planner.sim.cluster import Association, World
from planner.sim.config import PriorityConfig
from planner.sim.fairshare import ShareTree
from planner.sim.jobs import Job
from planner.sim.pricing import Pricing
from planner.sim.queue import Pending
from tests.sim.worlds import FINE, job, nodes, world

USERS = ("u", "v", "w")
jobs = st.builds(
    lambda user, nice, site, fixed, cpus: job(
        None, user=user, nice=nice, site_factor=site, fixed_priority=fixed, cpus_per_task=cpus
    ),
    st.sampled_from([*USERS, "nobody"]),
    st.integers(0, 50),
    st.integers(-3, 3),
    st.sampled_from([None, None, 77]),
    st.integers(1, 4),
)
# When it becomes eligible, the period in which that is known, and in each until it leaves: held?
Life = tuple[float, int, list[str | None]]
lives = st.tuples(
    st.floats(-9e5, 5e5),
    st.integers(0, 2),
    st.lists(st.sampled_from([None, None, "JobHeldUser"]), min_size=1, max_size=4),
)


@given(st.lists(st.tuples(jobs, lives), max_size=8), st.sampled_from([0, 3600, 7 * 86_400]))
def test_a_period_prices_all_as_if_one_by_one(
    known: list[tuple[Job, Life]], max_age_s: int
) -> None:
    of = _world(max_age_s)
    pricing, admission = Pricing(of), Admission(of, ShareTree(of.associations))
    waiting = [Pending(replace(one, key=key), key, None) for key, (one, _) in enumerate(known)]
    for pending in waiting:
        admission.admit(pending)
    for period in range(4):
        here = []
        for pending, (_, (eligible_s, since, held)) in zip(waiting, known, strict=True):
            pending.left = period >= len(held)
            if not pending.left:
                pending.eligible_s = eligible_s if period >= since else None
                pending.held = held[period]
                here.append(pending)
        now_s = 300.0 * period
        pricing.end_period([], here, now_s)
        pricing.tell_factors()
        found = [_priced(pending) for pending in here]
        for pending in here:
            pricing.price(pending, now_s)
        assert found == [_priced(pending) for pending in here]


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1e9)), max_size=20))
def test_usage_charged_at_once_is_that_charged_one_after_the_other(
    used: list[tuple[int, float]],
) -> None:
    tree = _world(3600).associations
    at_once, one_by_one = ShareTree(tree), ShareTree(tree)
    for index, amount in used:
        one_by_one.charge(index, amount)
    indices = np.array([index for index, _ in used], dtype=np.int64)
    at_once.charge_all(indices, np.array([amount for _, amount in used]))
    assert at_once.usage.tolist() == one_by_one.usage.tolist()


def _world(max_age_s: int) -> World:
    weights = PriorityConfig(
        weight_age=1000, weight_fair_share=1234, weight_job_size=70, max_age_s=max_age_s
    )
    users = (Association("a", user, usage=10.0 * place) for place, user in enumerate(USERS))
    return world(
        nodes(8, 8),
        associations=(Association("root"), Association("a", parent="root"), *users),
        config=replace(FINE, priority=weights),
    )


def _priced(pending: Pending) -> list[tuple[int, float, float]]:
    return [(one.priority, one.age, one.fair_share) for one in pending.records]
