"""What a method may see of a trace: against the definition, worked out slowly."""

from __future__ import annotations

import numpy as np
import pytest

from planner.backtest.known import Known
from planner.backtest.walk import Walk
from planner.traces.jobs import Trace, TraceJob
from tests.planner.trace_world import job, random_trace, trace


def start_s(one: TraceJob) -> float:
    return np.inf if one.wait_s is None else one.asked.submit_s + one.wait_s


def end_s(one: TraceJob) -> float:
    return np.inf if one.run_s is None else start_s(one) + one.run_s


def left_s(one: TraceJob) -> float:
    waited_s = one.cancelled_wait_s
    return np.inf if waited_s is None else one.asked.submit_s + waited_s


def most_at_once(jobs: list[TraceJob], partition: str) -> int:
    """At the end of each instant, of jobs that have started by then."""
    here = [one for one in jobs if one.asked.partition == partition]
    instants = {start_s(one) for one in here}
    return max(
        (
            sum(one.asked.procs for one in here if start_s(one) <= at < end_s(one))
            for at in instants
        ),
        default=0,
    )


def assert_is_what_was_known(known: Known, of: Trace, target: int) -> None:
    asked = of.jobs[target].asked
    now_s = asked.submit_s
    earlier = list(of.jobs[:target])
    started = sorted((one for one in earlier if start_s(one) <= now_s), key=start_s)
    ended = sorted((one for one in earlier if end_s(one) <= now_s), key=end_s)

    assert known.now_s == now_s
    assert known.target == asked
    assert list(known.pending) == [
        one.asked for one in earlier if start_s(one) > now_s and left_s(one) > now_s
    ]
    assert [(one.asked, one.start_s) for one in known.running] == [
        (one.asked, start_s(one)) for one in started if end_s(one) > now_s
    ]
    assert known.waits.start_s.tolist() == [start_s(one) for one in started]
    assert known.waits.wait_s.tolist() == [one.wait_s for one in started]
    assert known.waits.procs.tolist() == [one.asked.procs for one in started]
    assert known.waits.limit_s.tolist() == [one.asked.limit_s for one in started]
    codes = [known.partition_code(one.asked.partition) for one in started]
    assert known.waits.partition.tolist() == codes
    assert known.ended.end_s.tolist() == [end_s(one) for one in ended]
    assert known.ended.run_s.tolist() == [one.run_s for one in ended]
    for user in ("alice", "bob", "carol"):
        runs_s = [one.run_s for one in ended if one.asked.user == user]
        assert known.last_runs_s(user, 2) == runs_s[::-1][:2]
    for partition in ("cpu", "gpu"):
        most = most_at_once(started, partition)
        least = asked.procs if partition == asked.partition else 1
        assert known.capacity(partition) == max(most, least)


@pytest.mark.parametrize("seed", range(6))
def test_all_that_had_happened_is_known_and_nothing_else(seed: int) -> None:
    of = random_trace(np.random.default_rng(seed), 120)
    walk = Walk(of)
    for target in range(len(of.jobs)):
        assert_is_what_was_known(walk.at(target), of, target)


def test_what_is_known_does_not_depend_on_who_was_asked_about_before() -> None:
    of = random_trace(np.random.default_rng(7), 150)
    for target in (40, 90, 149):
        assert_is_what_was_known(Walk(of).at(target), of, target)


def test_a_later_job_of_the_same_second_is_not_known_even_if_it_started() -> None:
    of = trace(job(1, 0.0), job(2, 60.0), job(3, 60.0, wait_s=0.0, run_s=60.0))
    known = Walk(of).at(1)
    assert [one.job_id for one in known.pending] == ["1"]
    assert not known.running
    assert not len(known.waits)


def test_a_job_that_ran_at_an_unknown_time_is_not_taken_for_one_that_waits() -> None:
    known = Walk(trace(job(1, 0.0, run_s=60.0), job(2, 600.0))).at(1)
    assert not known.pending
    assert not known.running


def test_a_machine_of_one_partition_has_the_processors_that_it_is_said_to_have() -> None:
    of = trace(job(1, 0.0, wait_s=0.0, procs=3), job(2, 60.0), processors=100)
    assert Walk(of).at(1).capacity("cpu") == 100


def test_once_a_second_partition_is_used_each_has_what_ran_at_once_in_it() -> None:
    of = trace(
        job(1, 0.0, wait_s=0.0, run_s=600.0, procs=3),
        job(2, 60.0, wait_s=540.0, run_s=600.0, procs=4),  # starts on what the first gives back
        job(3, 600.0, wait_s=0.0, procs=1, partition="gpu"),
        job(4, 660.0, procs=2, partition="gpu"),
        processors=100,
    )
    known = Walk(of).at(3)
    assert known.capacity("cpu") == 4
    assert known.capacity("gpu") == 2  # what the target asks for: more than has run there


def test_nobody_who_is_not_named_has_a_past() -> None:
    of = trace(job(1, 0.0, wait_s=0.0, run_s=60.0, user=""), job(2, 600.0, user=""))
    assert Walk(of).at(1).last_runs_s("", 2) == []


def test_the_past_cannot_be_written_to() -> None:
    known = Walk(random_trace(np.random.default_rng(1), 30)).at(29)
    with pytest.raises(ValueError, match="read-only"):
        known.waits.wait_s[0] = 0.0
