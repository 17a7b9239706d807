"""Outcomes of estimates: from what Slurm told of the attempt, once that is settled."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from planner.record import scoring
from planner.tasks import score_estimates
from tests.factories import NOW, make_cluster
from tracker.ingest import record_accounting, record_queue
from tracker.models import Cluster, Job, StartEstimate
from tracker.recording import NewEstimate, publish_estimates
from tracker.slurm.records import AccountedJob, QueuedJob

pytestmark = pytest.mark.django_db
ARRAY = 900


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


def queued(state: str = "PENDING", *, start: float | None = None, **fields: object) -> QueuedJob:
    """Submitted NOW; ``start`` in minutes, a plan while it waits."""
    given: dict[str, object] = {"job_id": 828, "user": "alice", "name": "train", "submit_at": NOW}
    given |= {"start_at": None if start is None else at(start), "restarts": 0}
    if state != "PENDING":
        given["node_list"] = "gpu01"
    return QueuedJob(state=state, **(given | fields))


def told(state: str, *, start: float | None, end: float, **fields: object) -> AccountedJob:
    given: dict[str, object] = {"job_id": 828, "user": "alice", "name": "train", "submit_at": NOW}
    given |= {"start_at": None if start is None else at(start), "end_at": at(end)}
    given["node_list"] = "gpu01" if start is not None else None
    return AccountedJob(state=state, **(given | fields))


def waits(*tasks: int, **fields: object) -> QueuedJob:
    """Tasks of the array that are not split off: one row under the array's own id."""
    return queued(job_id=ARRAY, array_job_id=ARRAY, array_tasks=tasks, **fields)


def task(number: int, job_id: int, state: str = "RUNNING", **fields: object) -> QueuedJob:
    return queued(state, job_id=job_id, array_job_id=ARRAY, array_task_id=number, **fields)


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


def say(minute: float, job_id: int = 828, submit: float = 0, **fields: object) -> StartEstimate:
    job = Job.objects.filter(job_id=job_id).latest("first_submit_at")
    said = {"snapshot_at": at(minute), "submit_at": at(submit), "milestone_minutes": int(minute)}
    publish_estimates(at(minute), [NewEstimate(job_id=job.pk, **(said | fields))])
    return job.estimates.get(issued_at=at(minute))


def outcome(said: StartEstimate) -> tuple[str, float | None]:
    """And when, in minutes."""
    said.refresh_from_db()
    minutes = None if said.outcome_at is None else (said.outcome_at - NOW).total_seconds() / 60
    return said.outcome, minutes


OPEN = ("", None)


def test_a_waiting_job_is_not_scored(cluster):
    record_queue(cluster, [queued(start=30)], at(0))
    said = say(0)
    assert scoring.score(at(60)) == 0
    assert outcome(said) == OPEN


def test_all_estimates_of_an_attempt_get_its_start(cluster):
    record_queue(cluster, [queued()], at(0))
    first, second = say(0), say(10)
    record_queue(cluster, [queued("RUNNING", start=15)], at(16))
    assert scoring.score(at(20)) == 2
    assert outcome(first) == outcome(second) == ("started", 15)
    assert scoring.score(at(21)) == 0


def test_a_start_is_scored_five_minutes_later(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [queued("RUNNING", start=15)], at(16))
    scoring.score(at(19.9))
    assert outcome(said) == OPEN
    scoring.score(at(20))
    assert outcome(said) == ("started", 15)


def test_an_end_that_accounting_tells_settles_the_start_at_once(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [], at(16))
    record_accounting(cluster, [told("COMPLETED", start=15, end=15.5)], at(16.5))
    scoring.score(at(17))
    assert outcome(said) == ("started", 15)


def test_accountings_start_is_preferred_while_the_estimate_is_open(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [queued("RUNNING", start=15)], at(16))
    record_accounting(cluster, [told("FAILED", start=16, end=17)], at(18))
    scoring.score(at(30))
    assert outcome(said) == ("started", 16)


def test_a_node_that_boots_first_is_waited_for(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [queued("CONFIGURING", start=15)], at(16))
    scoring.score(at(22))
    assert outcome(said) == OPEN
    record_queue(cluster, [queued("RUNNING", start=23)], at(24))
    scoring.score(at(30))
    assert outcome(said) == ("started", 23)


@pytest.mark.parametrize(
    "end",
    [
        {"state": "CANCELLED", "start": None},
        {"state": "CANCELLED", "start": 20, "node_list": None},  # as sacct tells some of them
        {"state": "DEADLINE", "start": None},
    ],
    ids=["cancelled", "start repeats the end", "deadline"],
)
def test_a_job_that_ends_while_it_waits_is_censored_at_its_end(cluster, end):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [], at(20.5))
    record_accounting(cluster, [told(end=20, **end)], at(21))
    scoring.score(at(22))
    assert outcome(said) == ("cancelled", 20)


def test_a_job_nobody_tells_of_has_left_when_it_was_last_seen_waiting(cluster):
    record_queue(cluster, [queued()], at(0))
    first, second = say(0), say(10)
    record_queue(cluster, [], at(11))
    scoring.score(at(11 + 24 * 60))
    assert outcome(first) == OPEN  # accounting is still asked
    scoring.score(at(12 + 24 * 60))
    assert outcome(first) == outcome(second) == ("left", 10)


def test_a_requeue_leaves_the_first_attempts_estimates_with_its_own_start(cluster):
    record_queue(cluster, [queued()], at(0))
    first = say(0)
    record_queue(cluster, [queued("RUNNING", start=5)], at(6))
    record_queue(cluster, [queued(submit_at=at(8), restarts=1)], at(9))
    again = say(10, submit=8, milestone_minutes=0)
    scoring.score(at(20))
    assert (outcome(first), outcome(again)) == (("started", 5), OPEN)
    record_queue(cluster, [queued("RUNNING", start=30, submit_at=at(8), restarts=1)], at(31))
    scoring.score(at(40))
    assert (outcome(first), outcome(again)) == (("started", 5), ("started", 30))


def test_an_attempt_overtaken_by_the_next_without_a_word_has_left(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_queue(cluster, [queued(submit_at=at(8), restarts=1)], at(9))
    scoring.score(at(60))
    assert outcome(said) == OPEN
    scoring.score(at(9 + 24 * 60))
    assert outcome(said) == ("left", 0)


def test_an_answer_of_later_than_the_horizon_is_scored_as_any_other(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0, later_than_horizon=("p50",))
    record_queue(cluster, [queued("RUNNING", start=15)], at(16))
    scoring.score(at(30))
    assert outcome(said) == ("started", 15)


def test_an_arrays_estimate_is_about_the_first_of_its_tasks_to_start_after_it(cluster):
    record_queue(cluster, [waits(0, 1, 2, 3)], at(0))
    first = say(0, ARRAY, is_of_array=True)
    record_queue(cluster, [task(0, 901, start=5), waits(1, 2, 3)], at(6))
    record_queue(cluster, [task(0, 901, start=5), waits(1, 2, 3)], at(10))
    second = say(10, ARRAY, is_of_array=True)
    scoring.score(at(20))
    assert (outcome(first), outcome(second)) == (("started", 5), OPEN)
    rows = [task(0, 901, start=5), task(1, 902, start=25), waits(2, 3)]
    record_queue(cluster, rows, at(26))
    scoring.score(at(40))
    assert (outcome(first), outcome(second)) == (("started", 5), ("started", 25))


def test_a_start_of_the_array_that_is_not_settled_is_waited_for(cluster):
    record_queue(cluster, [waits(0, 1)], at(0))
    said = say(0, ARRAY, is_of_array=True)
    record_queue(cluster, [task(0, 901, start=5), waits(1)], at(6))
    scoring.score(at(6))
    assert outcome(said) == OPEN
    # accounting knows of a task that the queue never showed
    short = {"job_id": 902, "array_job_id": ARRAY, "array_task_id": 1}
    record_accounting(cluster, [told("COMPLETED", start=3, end=4, **short)], at(7))
    scoring.score(at(7))
    assert outcome(said) == ("started", 3)


def test_the_last_tasks_start_under_the_arrays_own_id_counts(cluster):
    record_queue(cluster, [waits(2, 3)], at(0))
    said = say(0, ARRAY, is_of_array=True)
    record_queue(cluster, [task(3, ARRAY, start=5)], at(6))
    scoring.score(at(20))
    assert outcome(said) == ("started", 5)


def test_a_task_that_waits_apart_is_not_the_arrays(cluster):
    rows = [task(7, 907, "PENDING"), waits(0, 1)]
    record_queue(cluster, rows, at(0))
    said = say(0, ARRAY, is_of_array=True)
    record_queue(cluster, [task(7, 907, start=5), waits(0, 1)], at(6))
    scoring.score(at(20))
    assert outcome(said) == OPEN


def test_an_array_that_is_cancelled_while_it_waits_is_censored(cluster):
    record_queue(cluster, [waits(0, 1)], at(0))
    said = say(0, ARRAY, is_of_array=True)
    record_queue(cluster, [], at(12.5))
    gone = told("CANCELLED", start=None, end=12, job_id=ARRAY, array_job_id=ARRAY)
    record_accounting(cluster, [gone], at(13))
    scoring.score(at(14))
    assert outcome(said) == ("cancelled", 12)


def test_an_array_nobody_tells_of_has_left_when_it_was_last_seen_waiting(cluster):
    record_queue(cluster, [waits(0, 1)], at(0))
    first, last = say(0, ARRAY, is_of_array=True), say(10, ARRAY)  # then one task was left
    record_queue(cluster, [], at(11))
    scoring.score(at(12 + 24 * 60))
    assert outcome(first) == outcome(last) == ("left", 10)


def test_the_same_array_id_on_another_cluster_is_another_array(cluster):
    record_queue(cluster, [waits(0, 1)], at(0))
    said = say(0, ARRAY, is_of_array=True)
    record_queue(make_cluster("other"), [task(0, 901, start=5), waits(1)], at(6))
    scoring.score(at(20))
    assert outcome(said) == OPEN


def test_waiting_jobs_cost_no_query_each(cluster):
    rows = [queued(job_id=number) for number in range(1, 61)]
    record_queue(cluster, [*rows, waits(0, 1)], at(0))
    for number in range(1, 61):
        say(0, number)
    say(0, ARRAY, is_of_array=True)
    with CaptureQueriesContext(connection) as idle:
        assert scoring.score(at(20)) == 0
    assert len(idle) == 4
    started = [queued("RUNNING", start=5, job_id=number) for number in (1, 2, 3)]
    record_queue(cluster, [*started, *rows[3:], waits(0, 1)], at(6))
    with CaptureQueriesContext(connection) as busy:
        assert scoring.score(at(20)) == 3
    assert len(busy) == 4 + 3  # and one for each attempt that has started


def test_an_attempt_that_is_scored_costs_nothing_while_the_next_one_waits(cluster):
    record_queue(cluster, [queued()], at(0))
    say(0)
    record_queue(cluster, [queued("RUNNING", start=5)], at(6))
    record_queue(cluster, [queued(submit_at=at(8), restarts=1)], at(9))
    say(10, submit=8, milestone_minutes=0)
    assert scoring.score(at(20)) == 1
    with CaptureQueriesContext(connection) as queries:
        assert scoring.score(at(21)) == 0
    assert len(queries) == 2


def test_the_beats_task_scores(cluster):
    record_queue(cluster, [queued()], at(0))
    said = say(0)
    record_accounting(cluster, [told("COMPLETED", start=1, end=2)], at(3))
    score_estimates()
    assert outcome(said) == ("started", 1)
