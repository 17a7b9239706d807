"""What is told of each job of the replicas."""

from __future__ import annotations

import numpy as np

from planner.ensemble import Spread, Starts, Told
from planner.quantiles import Quantiles


def told(*start_s: float) -> Told | None:
    """Of one job, one number a replica; it runs for 100 s."""
    column = np.array([start_s]).T
    return Spread(Starts(("job",), column, column + 100.0)).told("job")


def test_nine_replicas_tell_their_first_middle_and_last_and_the_chance_of_a_start_soon() -> None:
    said = told(*(200.0 * n for n in range(1, 10)))
    assert said is not None
    assert said.start == Quantiles(200.0, 1000.0, 1800.0)
    assert said.finish == Quantiles(300.0, 1100.0, 1900.0)
    assert said.p_within_10_min == 3 / 9
    assert said.later_than_horizon == ()


def test_quantiles_beyond_the_horizon_are_named_and_not_told() -> None:
    said = told(*(200.0 * n for n in range(1, 5)), *[np.inf] * 5)
    assert said is not None
    assert said.start == Quantiles(200.0, None, None)
    assert said.later_than_horizon == ("p50", "p90")
    assert said.finish == Quantiles(300.0, None, None)


def test_one_replica_tells_the_middle_alone() -> None:
    said = told(200.0)
    assert said is not None
    assert said.start == Quantiles(None, 200.0, None)
    assert said.p_within_10_min is None


def test_nothing_is_told_of_a_job_that_waiting_does_not_start_nor_of_a_stranger() -> None:
    assert told(np.nan, np.nan) is None
    assert Spread(Starts((), np.empty((2, 0)), np.empty((2, 0)))).told("job") is None
