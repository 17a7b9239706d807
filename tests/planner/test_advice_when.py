"""When to submit and why a job waits, in the small world."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from planner.advice import Advice, PastWait
from planner.asking.request import Request
from planner.ensemble import Past
from planner.snapshot import Facts
from tests.planner.advice_world import (
    CPU_JOB,
    GPU_JOB,
    HOUR_S,
    NOW,
    adviser_of,
    past_of,
    pending,
    small_facts,
)
from tracker.slurm import records as slurm

REPLICAS = 8
HISTORY = [
    PastWait(NOW - timedelta(days=7 * week) + timedelta(hours=30, minutes=minute), 4, "gpu", 1200.0)
    for week in (1, 2)
    for minute in range(0, 60, 10)
]


@pytest.fixture
def facts() -> Facts:
    """The partition gpu alone: four a100, busy with bob's job until 14:00 at the latest."""
    whole = small_facts()
    return replace(
        whole, queue=whole.queue[:1], partitions=whole.partitions[:1], nodes=whole.nodes[:1]
    )


@pytest.fixture
def own_past(facts: Facts) -> Past:
    return past_of(facts)


def full(
    facts: Facts, past: Past, request: Request = GPU_JOB, history: list[PastWait] | None = None,
    **of_asker: object,
) -> Advice:  # fmt: skip
    adviser = adviser_of(facts, past, replicas=REPLICAS, **of_asker)
    return adviser.full(adviser.first(request), history or [])


def test_a_week_of_hours_each_names_what_it_rests_on(facts: Facts, own_past: Past) -> None:
    hours = full(facts, own_past, history=HISTORY).by_hour
    assert [point.submit_s for point in hours] == [hour * HOUR_S for hour in range(168)]
    assert {point.basis for point in hours[:24]} == {"futures"}
    assert hours[0].wait.p50_s > 0.0 and hours[3].wait.p50_s == 0.0  # bob's job is over by then
    assert hours[3].finish_p50_s > 3 * HOUR_S
    assert {point.basis for point in hours[24:]} == {"history", "none"}


def test_an_hour_of_the_week_that_history_knows_is_told_from_it(
    facts: Facts, own_past: Past
) -> None:
    """Twelve like jobs were submitted in the 30th hour after the snapshot's, a week or two ago."""
    hours = full(facts, own_past, history=HISTORY).by_hour
    assert (hours[30].basis, hours[30].n, hours[30].wait.p50_s) == ("history", 12, 1200.0)
    assert hours[54].basis == "history"  # the same hour of another day
    assert (hours[40].basis, hours[40].wait.p50_s, hours[40].n) == ("none", None, 0)


@pytest.mark.parametrize("other", [{"partition": "slow"}, {"procs": 9.0}, {"procs": 1.9}])
def test_jobs_of_another_partition_or_size_tell_nothing(
    facts: Facts, own_past: Past, other: dict
) -> None:
    unlike = [replace(wait, **other) for wait in HISTORY]
    assert {p.basis for p in full(facts, own_past, history=unlike).by_hour[24:]} == {"none"}


def test_to_submit_now_loses_nothing(facts: Facts, own_past: Past) -> None:
    when = full(facts, own_past).when
    assert when.sentence.startswith("Submit now.") and "next 24" in when.sentence
    assert when.exceptions == () and when.deadline is None


def test_maintenance_is_told_with_the_limit_that_ends_before_it(
    facts: Facts, own_past: Past
) -> None:
    maintenance = slurm.Reservation(
        "maint", NOW + timedelta(hours=4), NOW + timedelta(hours=8), node_list="gpu1"
    )
    asked = replace(GPU_JOB, limit_minutes=360)
    found = full(replace(facts, reservations=(maintenance,)), own_past, asked)
    assert found.options[0].start.p50_s >= 8 * HOUR_S
    told = found.when.exceptions[0]
    assert (told.kind, told.begin_at) == ("maintenance", NOW + timedelta(hours=8))
    assert "Reservation maint takes 1 of its 1 node from 16:00 to 20:00." in told.sentence
    cliffs = [point.cliff for point in found.walltime if point.cliff]
    assert any("no longer ends before reservation maint begins at 16:00" in one for one in cliffs)
    assert [point.limit_minutes for point in found.walltime if point.is_asked] == [360]


def test_a_deadline_gets_the_last_hour_that_meets_it(facts: Facts, own_past: Past) -> None:
    """Bob's job is over by 14:00, alice's own run nearly always within an hour."""
    asked = replace(GPU_JOB, deadline_at=NOW + timedelta(hours=10))
    deadline = full(facts, own_past, asked).when.deadline
    assert deadline.p_met_now > 0.95
    latest_s = (deadline.latest_submit_at - NOW).total_seconds()
    assert 5 * HOUR_S <= latest_s <= 10 * HOUR_S
    assert deadline.cheapest.wait.p50_s == 0.0
    assert "nine times in ten" in deadline.sentence


def test_a_deadline_that_cannot_be_met_says_so(facts: Facts, own_past: Past) -> None:
    asked = replace(GPU_JOB, deadline_at=NOW + timedelta(minutes=5))
    deadline = full(facts, own_past, asked).when.deadline
    assert deadline.latest_submit_at is None and deadline.p_met_now < 0.1
    assert "not to be relied on" in deadline.sentence


def test_without_known_runs_no_chance_is_told_for_a_deadline(facts: Facts) -> None:
    asked = replace(GPU_JOB, deadline_at=NOW + timedelta(hours=10))
    deadline = full(facts, past_of(facts, [HOUR_S] * 9), asked).when.deadline
    assert deadline.p_met_now is None and "Too little is known" in deadline.sentence


def test_a_job_that_starts_at_once_waits_for_nothing(own_past: Past) -> None:
    why = full(small_facts(), own_past, CPU_JOB).why
    assert (why.reason, why.standing.ahead, why.critical, why.ends) == ("None", 0, None, ())
    assert "it starts at once" in why.sentence


def test_the_resource_that_is_short_is_named_with_what_is_free_of_it(
    facts: Facts, own_past: Past
) -> None:
    critical = full(facts, own_past).why.critical
    assert (critical.tres, critical.asked, critical.free, critical.of) == ("gres/gpu:a100", 2, 0, 4)


def test_the_ends_it_waits_for_are_named_only_to_those_who_may_see_them(
    facts: Facts, own_past: Past
) -> None:
    adviser = adviser_of(facts, own_past, replicas=REPLICAS, asker="eve")
    advice = adviser.first(GPU_JOB)
    anonymous = adviser.full(advice).why.ends
    assert [(end.count, end.what) for end in anonymous] == [(1, "1 running job")]
    for who in (adviser.for_asker("bob"), adviser.for_asker("alice", shows_jobs=True)):
        together, named = who.full(advice).why.ends
        assert named.what == "job 1" and together.at_p50_s == named.at_p50_s
        assert 0 < named.at_p50_s <= named.at_p90_s <= 2 * HOUR_S


@pytest.fixture
def fair(facts: Facts) -> Facts:
    """Fair share alone counts: carol comes first, then bob, then alice. Bob's job waits."""
    users = ("carol", "bob", "alice")
    return replace(
        facts,
        queue=[*facts.queue, pending(3, "gpu", priority=666)],
        config=slurm.ClusterConfig("c", "24.05.4", priority_weights={"fair_share": 1000}),
        associations=(
            slurm.Association("c", "root", None),
            slurm.Association("c", "vision", None, "root"),
            *(slurm.Association("c", "vision", user) for user in users),
        ),
        shares=(
            slurm.Share("root", None, 0, 1, 300.0),
            slurm.Share("vision", None, 1, 1, 300.0),
            *(slurm.Share("vision", user, 2, 1, 100.0 * n) for n, user in enumerate(users)),
        ),
    )


def test_jobs_ahead_are_counted_by_what_leads_them(fair: Facts, own_past: Past) -> None:
    why = full(fair, own_past).why
    assert why.standing.ahead == 1 and why.standing.by["fair_share"] == 1
    assert "1 waiting job comes first, by fair share." in why.sentence
    assert sum(why.as_json()["ahead"]["by"].values()) == 1


def test_a_job_of_a_higher_tier_leads_by_its_tier(fair: Facts, own_past: Past) -> None:
    (gpu,) = fair.partitions
    urgent = replace(gpu, name="urgent", priority_tier=9, allow_accounts=frozenset({"ops"}))
    crowded = replace(
        fair,
        nodes=[replace(fair.nodes[0], partitions=("gpu", "urgent"))],
        partitions=[gpu, urgent],
        queue=[fair.queue[0], pending(3, "urgent", priority=1, account="ops")],
    )
    standing = full(crowded, own_past).why.standing
    assert (standing.ahead, standing.by["tier"]) == (1, 1)


def test_more_fair_share_brings_the_start_before_the_job_that_led(
    fair: Facts, own_past: Past
) -> None:
    found = full(fair, own_past)
    by_factor = {round(one.fair_share, 2): one for one in found.why.fair_share_what_if}
    assert by_factor.keys() == {0.17, 0.67, 1.0}
    assert by_factor[1.0].start.p50_s < found.options[0].start.p50_s
    assert "With a fair share of 1.00 in place of 0.33" in by_factor[1.0].sentence


def test_the_whole_answer_is_the_same_twice_and_speaks_json(facts: Facts, own_past: Past) -> None:
    first, second = (full(facts, own_past, history=HISTORY).as_json() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert first["complete"] and first["approximate"] and len(first["by_hour"]) == 168


def test_an_empty_cluster_is_advised_on(facts: Facts) -> None:
    found = full(replace(facts, queue=[]), Past(), horizon_s=24 * HOUR_S)
    assert found.options[0].start.p50_s == 0.0 and found.method == "plan"
    assert found.as_json()["smallest_change"] is None
