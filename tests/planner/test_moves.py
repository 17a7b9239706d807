"""Why a start moved: the recorded cluster, and the same one with one thing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from math import isfinite

import pytest

from planner.moves import Look, Move, expected_ends, moves
from planner.runtimes import PastRuns, Ran, RunTimes
from planner.snapshot import Facts, build
from tests.planner.recorded import recorded_facts, row, with_rows
from tracker.slurm.records import QueuedJob, Reservation

MINE = 1188  # bob's in partition gpu, priority 3328
HOUR = timedelta(hours=1)


def look(facts: Facts, start: timedelta, ends: dict[str, datetime] | None = None) -> Look:
    """MINE is told to start so long after the recorded snapshot."""
    return Look.of(build(facts), {MINE: recorded_facts().taken_at + start}, ends)


def minute_later(facts: Facts) -> Facts:
    return replace(facts, taken_at=facts.taken_at + timedelta(minutes=1))


def moved(
    facts: Facts,
    by: timedelta,
    *,
    before: Facts | None = None,
    ends: dict[str, datetime] | None = None,
) -> Move | None:
    """From the recorded look, or ``before``, to that of ``facts`` a minute later."""
    was = look(before or recorded_facts(), HOUR, ends)
    return moves(was, look(minute_later(facts), HOUR + by)).get(MINE)


def why(facts: Facts, by: timedelta = HOUR, **asked: object) -> str:
    move = moved(facts, by, **asked)  # type: ignore[arg-type]
    assert move is not None
    return move.why


def without(*job_ids: int, facts: Facts | None = None) -> Facts:
    facts = facts or recorded_facts()
    return replace(facts, queue=[job for job in facts.queue if job.job_id not in job_ids])


def arriving(numbers: Iterable[int], **fields: object) -> Facts:
    """The recorded cluster, and jobs like MINE with these ids."""
    template = replace(row(MINE), **fields)  # type: ignore[arg-type]
    return with_rows(*(replace(template, job_id=9000 + number) for number in numbers))


@pytest.mark.parametrize("by_s", [-170, -60, 0, 60, 170])
def test_a_start_that_moved_by_less_than_5_percent_of_the_wait_did_not_move(by_s: float) -> None:
    assert moved(recorded_facts(), timedelta(seconds=by_s)) is None


def test_a_start_moves_by_more_than_a_minute_or_not_at_all() -> None:
    soon = timedelta(minutes=2)
    for by_s, expected in ((59, None), (61, 61.0)):
        after = look(minute_later(recorded_facts()), soon + timedelta(seconds=by_s))
        move = moves(look(recorded_facts(), soon), after).get(MINE)
        assert (move and move.moved_s) == expected


def test_later_is_positive() -> None:
    later, sooner = moved(recorded_facts(), HOUR), moved(recorded_facts(), -HOUR / 2)
    assert later is not None and later.moved_s == 3600
    assert sooner is not None and sooner.moved_s == -1800


def test_jobs_of_higher_priority_that_came_are_counted_and_nobody_is_named() -> None:
    said = why(arriving(range(12), priority=9000, user="wanda", account="vision"))
    assert said == "12 jobs of higher priority joined the queue ahead of it."


def test_own_jobs_among_those_that_came_are_said() -> None:
    said = why(arriving(range(2), priority=9000))
    assert said.endswith("ahead of it, 2 of them of the same user.")


@pytest.mark.parametrize("fields", [{"priority": 10}, {"priority": 9000, "partitions": ("cpu",)}])
def test_jobs_behind_it_or_on_other_nodes_are_no_cause(fields: dict[str, object]) -> None:
    assert why(arriving(range(12), **fields)).startswith("No single cause")


def test_a_fair_share_that_fell_is_told_from_a_priority_that_was_lowered() -> None:
    lower = with_rows(replace(row(MINE), priority=3300))
    assert why(lower).startswith("Its priority fell, and ")
    shares = tuple(
        replace(share, raw_usage=(share.raw_usage or 0) + 10**6)
        if share.account in ("nlp", "root")
        else share
        for share in lower.shares
    )
    said = why(replace(lower, shares=shares))
    assert said.startswith("Its fair share fell with the use of its account, and ")
    assert said.endswith(" came past it from behind.")


def test_a_priority_that_rose_brings_it_past_others() -> None:
    said = why(with_rows(replace(row(MINE), priority=9000)), -HOUR / 2)
    assert said.startswith("It came past ") and said.endswith(" jobs in the queue.")


def test_jobs_ahead_that_were_withdrawn_bring_it_forward() -> None:
    said = why(without(926, 930), -HOUR / 2)  # of partition gpu, priority 6699
    assert said == "2 jobs ahead of it left the queue."


def test_a_job_that_ended_before_its_limit_brings_it_forward() -> None:
    said = why(without(1061), -HOUR / 2)
    assert said == "1 running job ended before its time limit."


def test_expected_ends_are_what_jobs_are_measured_by_where_they_are_known() -> None:
    taken_at = recorded_facts().taken_at
    ends = {"1061": taken_at + timedelta(seconds=30), "1009": taken_at + timedelta(minutes=5)}
    said = why(without(1061, 1009), -HOUR / 2, ends=ends)
    assert said == "1 running job ended earlier than expected."  # 1061 was expected to have ended
    overdue = {"1061": taken_at - timedelta(minutes=1)}
    assert why(recorded_facts(), ends=overdue) == "1 job runs on longer than expected."


def test_a_running_job_is_expected_to_end_as_the_jobs_before_it_did() -> None:
    snapshot = build(recorded_facts())
    taken_s = snapshot.taken_at.timestamp()
    ran = [
        Ran("alice", "nlp", "", "gpu", 8, 360.0, taken_s - run_s, taken_s)
        for run_s in range(150, 250)
    ]
    ends = expected_ends(snapshot, RunTimes.learn(PastRuns.of(ran), now_s=taken_s))
    assert ends is not None
    running = [job for job in snapshot.world.jobs if job.start_s is not None]
    limited = [job for job in running if job.limit_s is not None and isfinite(job.limit_s)]
    assert all(
        snapshot.taken_at < ends[str(job.key)] <= snapshot.taken_at + timedelta(seconds=job.limit_s)
        for job in limited
        if job.limit_s is not None
    )
    assert expected_ends(snapshot, None) is None


def test_nodes_that_fail_and_come_back_are_told() -> None:
    facts = recorded_facts()
    nodes = [
        replace(node, flags=frozenset({"DRAIN"})) if node.name in ("gpu01", "gpu02") else node
        for node in facts.nodes
    ]
    worse = replace(facts, nodes=nodes)
    assert why(worse) == "2 nodes went out of service."
    assert why(facts, -HOUR / 2, before=worse) == "2 nodes came back into service."


def test_a_reservation_of_its_nodes_is_told() -> None:
    facts = recorded_facts()
    start_at = facts.taken_at + HOUR
    made = Reservation("repairs", start_at, start_at + HOUR, "gpu[01-04]")
    reserved = replace(facts, reservations=(*facts.reservations, made))
    assert why(reserved) == "1 reservation of its nodes was made."
    assert why(facts, -HOUR / 2, before=reserved) == "1 reservation of its nodes was lifted."


def test_a_request_that_was_changed_is_cause_enough() -> None:
    changed = replace(row(MINE), limit_minutes=600.0)
    queue = [changed if job.job_id == MINE else job for job in arriving(range(3)).queue]
    assert why(replace(recorded_facts(), queue=queue)) == "Its own request was changed."


def test_the_heaviest_two_causes_are_told_and_light_ones_are_not() -> None:
    facts = arriving(range(12), priority=9000, limit_minutes=600.0)
    nodes = [
        replace(node, flags=frozenset({"DRAIN"})) if node.name == "gpu01" else node
        for node in facts.nodes
    ]
    said = why(replace(facts, nodes=nodes))
    assert "node went out of service" in said and "12 jobs" in said and ";" in said
    light = arriving([1], priority=9000, limit_minutes=1.0)
    assert why(replace(light, nodes=nodes)) == "1 node went out of service."


def test_an_array_of_which_a_task_has_started_has_not_moved() -> None:
    def told(facts: Facts, start: timedelta) -> Look:
        return Look.of(build(facts), {1075: recorded_facts().taken_at + start})

    array: QueuedJob = row(1075)
    rest = with_rows(replace(array, array_tasks=array.array_tasks[1:]))
    assert moves(told(recorded_facts(), HOUR), told(minute_later(rest), 2 * HOUR)) == {}
    assert moves(told(recorded_facts(), HOUR), told(minute_later(recorded_facts()), 2 * HOUR))


def test_a_job_that_is_new_or_has_no_start_any_more_has_not_moved() -> None:
    known = look(recorded_facts(), HOUR)
    assert moves(known, Look.of(build(recorded_facts()), {})) == {}
    assert moves(Look.of(build(recorded_facts()), {}), known) == {}
