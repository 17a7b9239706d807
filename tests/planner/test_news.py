"""What counts as news between two looks at a cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.forecasting.news import digest
from planner.snapshot.facts import Facts
from tests.planner.recorded import recorded_facts
from tracker.slurm.records import QueuedJob

MINUTE = timedelta(minutes=1)


def changed(facts: Facts, job_id: int, **fields: object) -> Facts:
    queue = [replace(row, **fields) if row.job_id == job_id else row for row in facts.queue]
    assert queue != facts.queue
    return replace(facts, queue=queue)


def later(row: QueuedJob) -> QueuedJob:
    """A minute on: it has aged, and Slurm has planned anew."""
    planned = row.start_at and row.start_at + MINUTE if row.state == "PENDING" else row.start_at
    return replace(row, priority=(row.priority or 0) + 10, start_at=planned)


def test_time_that_passes_is_no_news() -> None:
    facts = recorded_facts()
    aged = replace(
        facts, taken_at=facts.taken_at + MINUTE, queue=[later(row) for row in facts.queue[::-1]]
    )
    assert digest(aged) == digest(facts)


def test_another_reason_to_wait_ones_turn_is_no_news() -> None:
    facts = recorded_facts()
    turn = {"Priority": "Resources", "Resources": "Priority"}
    queue = [replace(row, reason=turn.get(row.reason or "", row.reason)) for row in facts.queue]
    assert queue != facts.queue
    assert digest(replace(facts, queue=queue)) == digest(facts)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "RUNNING", "node_list": "cpu1"},
        {"reason": "JobHeldUser"},
        {"limit_minutes": 1.0},
        {"priority": 2**31},  # it goes first now
        {"partitions": ("debug",)},
    ],
)
def test_a_job_that_starts_is_held_changed_or_goes_ahead_is_news(fields: dict) -> None:
    facts = recorded_facts()
    assert digest(changed(facts, 996, **fields)) != digest(facts)


def test_a_job_that_comes_or_goes_is_news() -> None:
    facts = recorded_facts()
    assert digest(replace(facts, queue=facts.queue[1:])) != digest(facts)


def test_a_node_that_goes_down_or_a_partition_that_closes_is_news() -> None:
    facts = recorded_facts()
    down = [replace(facts.nodes[0], base_state="DOWN"), *facts.nodes[1:]]
    closed = [replace(facts.partitions[0], state="DOWN"), *facts.partitions[1:]]
    assert digest(replace(facts, nodes=down)) != digest(facts)
    assert digest(replace(facts, partitions=closed)) != digest(facts)
