"""The past of the recorded cluster, as far as it was known when its queue was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from planner.ensemble import Past
from planner.runtimes import AskedRun
from planner.snapshot import Facts, Snapshot, build
from planner.snapshot.past import past_of, recorded_past
from tests.planner.recorded import recorded_facts, recorded_slurm, with_rows
from tests.planner.recorded import row as queued
from tracker.slurm.records import AccountedJob

WANTED = AskedRun("alice", "nlp", "wrap", "gpu", 8.0, 180.0)


@cache
def snapshot() -> Snapshot:
    return build(recorded_facts())


@cache
def accounting() -> tuple[AccountedJob, ...]:
    return tuple(recorded_slurm().accounting(recorded_facts().taken_at))


def past(rows: Sequence[AccountedJob], facts: Facts | None = None) -> Past:
    if facts is None:
        return past_of(recorded_facts(), snapshot(), rows)
    return past_of(facts, build(facts), rows)


def drawn(of: Past, asked: AskedRun = WANTED) -> list[float]:
    assert of.runs is not None
    return of.runs.draw([asked], np.zeros(1), np.linspace(0.05, 0.95, 19)[None])[0].tolist()


def coming(of: Past, seed: int = 0) -> list[object]:
    assert of.arrivals is not None
    return of.arrivals.jobs(np.random.default_rng(seed), snapshot().world.origin_s, 1200.0)


def test_what_came_after_the_snapshot_changes_nothing() -> None:
    at = recorded_facts().taken_at
    later = at + timedelta(seconds=1)
    known = [row for row in accounting() if row.submit_at is not None and row.submit_at <= at]
    as_then = [
        replace(row, end_at=None, state="RUNNING") if row.end_at and row.end_at > at else row
        for row in known
    ]
    ended_since = [
        replace(row, end_at=later, state="COMPLETED") if row.state == "RUNNING" else row
        for row in as_then
    ]
    submitted_since = replace(known[0], job_id=10**6, submit_at=later, start_at=later, end_at=later)
    then, now = past(as_then), past([*ended_since, submitted_since])
    assert drawn(then) == drawn(now)
    assert coming(then) == coming(now)
    assert then.asked == now.asked


def test_every_job_is_asked_about_by_its_name() -> None:
    found = past(accounting())
    assert found.asked.keys() == {job.key for job in snapshot().world.jobs}
    record = queued(896)
    asked = found.asked["896"]
    assert (asked.user, asked.name, asked.procs) == (record.user, record.name, record.cpus)


@pytest.mark.parametrize("state", ["COMPLETING", "SUSPENDED"])
def test_a_job_that_does_not_end_by_itself_is_not_asked_about(state: str) -> None:
    running = next(job for job in recorded_facts().queue if job.state == "RUNNING")
    found = past(accounting(), with_rows(replace(running, state=state)))
    assert past(accounting()).asked.keys() - found.asked.keys() == {str(running.job_id)}


def test_an_end_that_the_cluster_made_is_no_run_time() -> None:
    ran = [row for row in accounting() if row.end_at is not None and row.node_list is not None]
    cut = [replace(row, state="PREEMPTED") for row in ran]
    assert past(cut).runs is None
    assert past(ran).runs is not None


def test_a_job_cancelled_while_it_waited_ran_for_no_time() -> None:
    at = recorded_facts().taken_at - timedelta(minutes=1)
    row = replace(accounting()[0], state="CANCELLED", start_at=at, end_at=at, node_list=None)
    assert past([row]).runs is None


def test_the_tasks_of_a_waiting_array_come_one_by_one_and_a_requeued_job_once() -> None:
    first = replace(accounting()[0], array_tasks=())
    many = [replace(first, job_id=2000 + n, array_tasks=(1, 2, 3)) for n in range(20)]
    again = [
        replace(row, submit_at=row.submit_at + timedelta(minutes=1))
        for row in many
        if row.submit_at is not None
    ]
    found = past([*many, *again]).arrivals
    assert found is not None
    assert len(found.prototypes) == 60


def test_what_the_cluster_no_longer_has_does_not_come_again() -> None:
    gone = [replace(row, partition="retired") for row in accounting()]
    found = past(gone).arrivals
    assert found is not None
    assert not found.prototypes


def test_submissions_are_known_from_when_accounting_was_asked_for() -> None:
    found = recorded_past(recorded_slurm(), recorded_facts(), snapshot()).arrivals
    first = min(row.submit_at for row in accounting() if row.submit_at is not None)
    assert found is not None
    assert found.arrivals.past.since_s == first.timestamp()  # it was asked for more
    since = first + timedelta(minutes=5)
    shorter = past_of(recorded_facts(), snapshot(), accounting(), since=since).arrivals
    assert shorter is not None
    assert shorter.arrivals.past.since_s == since.timestamp()


@pytest.mark.parametrize("without", [("sacct",), ("sacct", "sshare")])
def test_without_accounting_nothing_is_known(without: tuple[str, ...]) -> None:
    slurm = recorded_slurm(without=without)
    assert recorded_past(slurm, recorded_facts(), snapshot()).is_blank
