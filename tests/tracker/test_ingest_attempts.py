"""Which attempt is meant, and which source is believed: the truth rules as tables."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.factories import NOW, make_cluster, make_experiment
from tracker.ingest import record_accounting, record_queue, undecided_ids
from tracker.ingest.ledger import attempt_numbers
from tracker.models import Cluster, Job, Run
from tracker.recording import bind_runs
from tracker.slurm.records import AccountedJob, QueuedJob

pytestmark = pytest.mark.django_db


def at(minute: float) -> datetime:
    return NOW + timedelta(minutes=minute)


def queued(state: str, submit: float, restarts: int | None = 0, **fields: object) -> QueuedJob:
    fields = {"job_id": 828, "user": "alice", "name": "train", "partitions": ("gpu",)} | fields
    if state != "PENDING":
        fields.setdefault("start_at", at(submit + 1))
    return QueuedJob(state=state, submit_at=at(submit), restarts=restarts, **fields)


def told(state: str, submit: float, end: float | None, **fields: object) -> AccountedJob:
    fields = {"job_id": 828, "user": "alice", "name": "train", "exit_code": 0} | fields
    end_at = None if end is None else at(end)
    return AccountedJob(
        state=state, submit_at=at(submit), start_at=at(submit + 1), end_at=end_at, **fields
    )


@pytest.fixture
def cluster() -> Cluster:
    return make_cluster()


def facts(job_id: int = 828) -> tuple[object, ...]:
    job = Job.objects.get(job_id=job_id)
    return job.state, job.in_queue, job.is_final, [a.state for a in job.attempts.all()]


# Each step is a queue (list of QueuedJob) or rows of accounting, a minute apart.
WAITS, RUNS = [queued("PENDING", 0)], [queued("RUNNING", 0)]
WAITS_AGAIN, RUNS_AGAIN = [queued("PENDING", 5, 1)], [queued("RUNNING", 5, 1)]
NODE_FAILED = (told("NODE_FAIL", 0, 5),)
DONE = (told("COMPLETED", 0, 5),)
FAILED = (told("FAILED", 0, 5, exit_code=2),)
REQUEUED = (told("REQUEUED", 0, 5),)
DONE_AGAIN = (told("NODE_FAIL", 0, 5), told("COMPLETED", 5, 7))
TABLE = [
    ("seen to run and end", [WAITS, RUNS, DONE, []], ("COMPLETED", False, True, ["COMPLETED"])),
    ("accounting lags", [RUNS, (told("PENDING", 0, None),)], ("RUNNING", True, False, ["RUNNING"])),
    ("queue lags", [RUNS, DONE, RUNS], ("COMPLETED", True, True, ["COMPLETED"])),
    ("left, not accounted", [RUNS, []], ("RUNNING", False, False, ["RUNNING"])),
    ("never in the queue", [DONE], ("COMPLETED", False, True, ["COMPLETED"])),
    ("failed, may be requeued", [RUNS, FAILED], ("FAILED", True, False, ["FAILED"])),
    ("failed and gone", [RUNS, FAILED, []], ("FAILED", False, True, ["FAILED"])),
    ("failed, accounted late", [RUNS, [], FAILED, []], ("FAILED", False, True, ["FAILED"])),
    (
        "node failed, waits again",
        [RUNS, NODE_FAILED, WAITS_AGAIN],
        ("PENDING", True, False, ["NODE_FAIL", "PENDING"]),
    ),
    (
        "waits again, first end told late",
        [RUNS, WAITS_AGAIN, NODE_FAILED],
        ("PENDING", True, False, ["NODE_FAIL", "PENDING"]),
    ),
    (
        "second attempt seen first",
        [WAITS_AGAIN, NODE_FAILED],
        ("PENDING", True, False, ["NODE_FAIL", "PENDING"]),
    ),
    (
        "requeued, runs again, ends",
        [RUNS, REQUEUED, RUNS_AGAIN, DONE_AGAIN, []],
        ("COMPLETED", False, True, ["NODE_FAIL", "COMPLETED"]),
    ),
    (
        "both ends from history alone",
        [DONE_AGAIN],
        ("COMPLETED", False, True, ["NODE_FAIL", "COMPLETED"]),
    ),
    (
        "history told backwards",
        [DONE_AGAIN[1:], DONE_AGAIN[:1]],
        ("COMPLETED", False, True, ["NODE_FAIL", "COMPLETED"]),
    ),
    (
        "a finished job requeued by hand",
        [RUNS, DONE, WAITS_AGAIN],
        ("PENDING", True, False, ["COMPLETED", "PENDING"]),
    ),
    (
        "the queue itself shows the end",
        [RUNS, [queued("COMPLETED", 0, end_at=at(5), exit_code=0)]],
        ("COMPLETED", False, False, ["COMPLETED"]),
    ),
]


@pytest.mark.parametrize(("title", "steps", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_the_newest_attempt_and_the_better_source_decide(
    cluster: Cluster, title: str, steps: list, expected: tuple
) -> None:
    for minute, step in enumerate(steps, start=10):
        for _ in range(2):  # every poll may come twice
            record = record_queue if isinstance(step, list) else record_accounting
            record(cluster, list(step), at(minute))
    assert facts() == expected


def test_an_id_that_comes_back_long_after_an_end_is_another_job(cluster: Cluster) -> None:
    record_accounting(cluster, [told("FAILED", 0, 5)], at(6))
    record_accounting(cluster, [told("COMPLETED", 90, 95)], at(96))
    first, second = Job.objects.filter(job_id=828).order_by("first_submit_at")
    assert (first.state, second.state) == ("FAILED", "COMPLETED")


@pytest.mark.parametrize(
    "again",
    [queued("PENDING", 6, 0), queued("PENDING", 6, None, user="bob")],
    ids=["no restarts", "another user"],
)
def test_an_id_given_to_somebody_else_is_another_job(cluster: Cluster, again: QueuedJob) -> None:
    record_accounting(cluster, [told("FAILED", 0, 5)], at(5))
    record_queue(cluster, [again], at(7))
    assert Job.objects.filter(job_id=828).count() == 2


def test_a_restart_count_that_skips_leaves_room_for_the_attempt_nobody_saw(
    cluster: Cluster,
) -> None:
    record_queue(cluster, RUNS, at(1))
    record_queue(cluster, [queued("PENDING", 9, 2)], at(9))
    assert [a.number for a in Job.objects.get().attempts.all()] == [0, 2]
    record_accounting(cluster, [told("PREEMPTED", 5, 9)], at(10))
    job = Job.objects.get()
    assert [(a.number, a.state) for a in job.attempts.all()] == [
        (0, "RUNNING"),
        (1, "PREEMPTED"),
        (2, "PENDING"),
    ]


@pytest.mark.parametrize(
    ("known", "restarts", "numbers"),
    [
        ([None], None, [0]),
        ([None], 3, [3]),
        ([None, 0], None, [0, 1]),
        ([0, None, 2], None, [0, 1, 2]),
        ([None, 0, None], 2, [0, 1, 2]),
        ([0, None], 1, [0, 1]),
        ([3, None], 2, [1, 2]),
        ([0, 1, None], 1, [0, 1, 2]),  # a count that cannot be: what was seen decides
    ],
)
def test_attempts_are_numbered_in_order_and_by_the_queues_count(
    known: list[int | None], restarts: int | None, numbers: list[int]
) -> None:
    assert attempt_numbers(known, restarts) == numbers


def test_the_last_task_of_an_array_takes_over_the_row_of_the_rest(cluster: Cluster) -> None:
    rest = queued("PENDING", 0, array_job_id=828, array_tasks=(2, 3))
    record_queue(cluster, [rest], at(1))
    split = queued("RUNNING", 0, job_id=853, array_job_id=828, array_task_id=2)
    last = queued("RUNNING", 0, array_job_id=828, array_task_id=3)
    record_queue(cluster, [split, last], at(2))
    shown = sorted(job.shown_id for job in Job.objects.all())
    assert shown == ["828_2", "828_3"]
    assert all(job.array_tasks == [] for job in Job.objects.all())


def test_a_failure_that_may_be_requeued_does_not_close_the_run(cluster: Cluster, people) -> None:
    run = Run.objects.create(
        experiment=make_experiment(people.alice), cluster=cluster, slurm_job_id=828
    )
    for minute, step in enumerate([RUNS, NODE_FAILED], start=10):
        record = record_queue if isinstance(step, list) else record_accounting
        record(cluster, list(step), at(minute))
    run.refresh_from_db()
    assert run.status == "RUNNING"
    record_queue(cluster, WAITS_AGAIN, at(12))
    run.refresh_from_db()
    assert (run.status, run.attempt) == ("PENDING", 1)


def test_a_failure_whose_job_has_left_the_queue_closes_the_run(cluster: Cluster, people) -> None:
    run = Run.objects.create(
        experiment=make_experiment(people.alice), cluster=cluster, slurm_job_id=828
    )
    record_queue(cluster, RUNS, at(10))
    assert bind_runs(Job.objects.get()) == 0  # the poll had bound it
    record_accounting(cluster, list(FAILED), at(11))
    record_queue(cluster, [], at(12))
    run.refresh_from_db()
    assert (run.status, run.exit_code) == ("FAILED", 2)


def test_jobs_gone_without_an_end_are_asked_for_again_and_ever_rarer(cluster: Cluster) -> None:
    record_queue(cluster, [*RUNS, queued("RUNNING", 0, job_id=829)], at(1))
    record_queue(cluster, [queued("RUNNING", 0, job_id=829)], at(2))
    every = timedelta(minutes=3)
    assert undecided_ids(cluster, at(3), every) == [828]
    polls_of_a_day = [at(2 + 3 * n) for n in range(480)]
    asked = [now for now in polls_of_a_day if undecided_ids(cluster, now, every)]
    assert len([now for now in asked if now < at(32)]) == 10
    assert 40 < len(asked) < 60


def test_the_name_that_the_queue_told_outlives_what_accounting_made_of_it(cluster: Cluster):
    record_queue(cluster, [queued("RUNNING", 0, name='Grüße "模型"')], at(1))
    record_queue(cluster, [], at(6))
    record_accounting(cluster, [told("COMPLETED", 0, 5, name="Grüße `??`")], at(7))
    assert Job.objects.get().name == 'Grüße "模型"'


def test_a_job_cancelled_before_it_got_a_node_has_never_started(cluster: Cluster):
    record_queue(cluster, WAITS, at(1))
    ended = queued("CANCELLED", 0, start_at=at(2), end_at=at(2))  # as squeue shows it
    record_queue(cluster, [ended], at(2))
    job = Job.objects.get()
    assert (job.state, job.start_at, job.end_at) == ("CANCELLED", None, at(2))
