"""How often forecasts are made: judged by playing hours of them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.forecasting.cadence import (
    FEW,
    LEAST_AHEAD_S,
    LONGEST_AHEAD_S,
    MANY,
    OLDEST_OF_MANY_S,
    OLDEST_S,
    PLANNED_DUTY,
    SLACK_S,
    Cost,
    look_ahead_s,
    replicas_an_hour,
    share_of_core,
)

DAY_S = 86_400
replica_s = st.floats(0.01, 7.0)


def played(cost: Cost, hours: float) -> list[tuple[float, int]]:
    """When forecasts are begun, as late as their age allows, and their replicas; MANY at first."""
    begun = [(0.0, MANY)]
    last_of_many_s = 0.0
    while begun[-1][0] < hours * 3600.0:
        at_s = begun[-1][0]
        replicas = MANY if cost.many_next(at_s - last_of_many_s) else FEW
        begun.append((at_s + cost.due_s(replicas), replicas))
        last_of_many_s = begun[-1][0] if replicas == MANY else last_of_many_s
    return begun


def oldest_s(begun: list[tuple[float, int]], cost: Cost) -> float:
    """How old one becomes before the next is there."""
    return max(
        next_s + SLACK_S + replicas * cost.wall_s - at_s
        for (at_s, _), (next_s, replicas) in pairwise(begun)
    )


@given(replica_s)
def test_no_forecast_grows_older_than_it_may(wall_s: float) -> None:
    cost = Cost(wall_s, wall_s, DAY_S)
    begun = played(cost, hours=5)
    assert oldest_s(begun, cost) <= OLDEST_S + 1e-6
    assert oldest_s([one for one in begun if one[1] == MANY], cost) <= OLDEST_OF_MANY_S + 1e-6


@given(replica_s)
def test_the_replicas_of_an_hour_are_those_that_are_begun_in_one(wall_s: float) -> None:
    cost = Cost(wall_s, wall_s, DAY_S)
    hours = 200
    made = sum(replicas for _, replicas in played(cost, hours))
    assert made / hours == pytest.approx(replicas_an_hour(cost), rel=0.02)


def test_a_second_worker_leaves_more_time_and_costs_no_more_replicas() -> None:
    assert replicas_an_hour(Cost(5.0, 2.5, DAY_S)) < replicas_an_hour(Cost(5.0, 5.0, DAY_S))


def test_replicas_that_take_longer_than_a_forecast_may_grow_old_cannot_be_afforded() -> None:
    assert replicas_an_hour(Cost(1.0, 10.0, DAY_S)) == float("inf")


@given(st.floats(0.01, 50.0), st.integers(6, 24))
def test_one_looks_as_far_ahead_as_the_share_of_a_core_affords(cpu_s: float, hours: int) -> None:
    cost = Cost(cpu_s, cpu_s, hours * 3600)
    ahead_s = look_ahead_s(cost)
    assert LEAST_AHEAD_S <= ahead_s <= LONGEST_AHEAD_S
    if ahead_s > LEAST_AHEAD_S:
        assert share_of_core(cost.ahead(ahead_s)) <= PLANNED_DUTY
    if ahead_s < LONGEST_AHEAD_S:
        assert share_of_core(cost.ahead(ahead_s + 3600)) > PLANNED_DUTY
